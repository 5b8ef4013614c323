package web

import "net/http"

// AnyOrigin lets pages of every origin read the answers of an endpoint, including errors (the CORS
// protocol of the Fetch standard). It is for public endpoints without credentials: the endpoints of
// clients have no such header.
func AnyOrigin(serve Endpoint) Endpoint {
	return func(w http.ResponseWriter, r *http.Request, n *RequestInfo) error {
		setAnyOrigin(w.Header())
		return serve(w, r, n)
	}
}

func setAnyOrigin(header http.Header) { header.Set("Access-Control-Allow-Origin", "*") }

// Preflight answers the preflight of a browser, for example before a request with If-None-Match.
// The browser may remember the answer for a day.
func Preflight(w http.ResponseWriter, _ *http.Request, _ *RequestInfo) error {
	header := w.Header()
	header.Set("Allow", "GET, HEAD, OPTIONS") // RFC 9110 §9.3.7
	header.Set("Access-Control-Allow-Methods", "GET, HEAD")
	header.Set("Access-Control-Allow-Headers", "If-None-Match")
	header.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
	return nil
}
