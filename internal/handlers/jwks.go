package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// jwks is GET /.well-known/jwks.json (RFC 7517 §5).
func (h *Handlers) jwks(w http.ResponseWriter, r *http.Request, _ *note) error {
	document := h.Keys.JWKS()
	header := w.Header()
	header.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(h.JWKSMaxAge/time.Second)))
	header.Set("ETag", document.ETag)
	if matches(r.Header.Get("If-None-Match"), document.ETag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	header.Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write(document.Body) // a caller that is gone can be told nothing
	return nil
}

// matches is the weak comparison of If-None-Match (RFC 9110 §13.1.2).
// http.ServeContent would serve ranges too, of which a key set has none.
func matches(ifNoneMatch, etag string) bool {
	for candidate := range strings.SplitSeq(ifNoneMatch, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == etag {
			return true
		}
	}
	return false
}
