package handlers

import (
	"context"
	"net/http"

	"authserver/internal/web"
)

// Origins lets the pages of registered apps read what an endpoint answers, its errors too
// (the CORS protocol of the Fetch standard). An app's page sends no cookie here: what it has
// to show is in the request, and a page of a stranger learns nothing of it.
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

// mark names the origin of the request where it is registered. A database that cannot be
// reached fails what needs it, and not this.
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
