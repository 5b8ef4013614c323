package web

import "net/http"

// AnyOrigin lets pages of every origin read what an endpoint answers, its errors
// too (the CORS protocol of the Fetch standard). It is for what is public and
// looks at no credentials: the endpoints of clients have no such header.
func AnyOrigin(serve Endpoint) Endpoint {
	return func(w http.ResponseWriter, r *http.Request, n *RequestInfo) error {
		setAnyOrigin(w.Header())
		return serve(w, r, n)
	}
}

func setAnyOrigin(header http.Header) { header.Set("Access-Control-Allow-Origin", "*") }

// Preflight answers a browser that asks before a request which is more than plain,
// as one with If-None-Match is. It may remember the answer for a day.
func Preflight(w http.ResponseWriter, _ *http.Request, _ *RequestInfo) error {
	header := w.Header()
	header.Set("Allow", "GET, HEAD, OPTIONS") // RFC 9110 §9.3.7
	header.Set("Access-Control-Allow-Methods", "GET, HEAD")
	header.Set("Access-Control-Allow-Headers", "If-None-Match")
	header.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
	return nil
}
