package handlers

import (
	"context"
	"net/http"

	"authserver/internal/web"
)

// Origins lets the pages of registered apps read the answers of an endpoint, including errors (the
// CORS protocol of the Fetch standard). A page sends no cookie to these endpoints: the request
// contains all credentials, so a page of another site gains nothing.
type Origins struct {
	Registered interface {
		// Origin reports whether a redirect URI has the origin.
		Origin(ctx context.Context, origin string) (bool, error)
	}
}

// admit marks the answer of an endpoint as readable.
func (o *Origins) admit(serve web.Endpoint) web.Endpoint {
	return func(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
		if o.mark(w, r) {
			w.Header().Set("Access-Control-Expose-Headers", "DPoP-Nonce, Retry-After, WWW-Authenticate, X-Request-Id")
		}
		return serve(w, r, n)
	}
}

// preflight answers a browser that asks before a request with a header such as DPoP.
func (o *Origins) preflight(w http.ResponseWriter, r *http.Request, _ *web.RequestInfo) error {
	if o.mark(w, r) {
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP")
		w.Header().Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// mark names the origin of the request if it is registered. It ignores a failure of the database,
// which the endpoint reports if it needs the database.
func (o *Origins) mark(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Add("Vary", "Origin")
	origins := r.Header.Values("Origin")
	if len(origins) != 1 || origins[0] == "" || origins[0] == "null" {
		return false
	}
	if registered, err := o.Registered.Origin(r.Context(), origins[0]); err != nil || !registered {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origins[0])
	return true
}
