package handlers

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// jwks is GET /.well-known/jwks.json (RFC 7517 §5).
func (h *Handlers) jwks(w http.ResponseWriter, r *http.Request, _ *note) error {
	document := h.Keys.JWKS()
	if len(document.Body) == 0 { // a verifier that took in an empty set would refuse every token
		return errors.New("no key set is published: see `authserver key list`")
	}
	header := w.Header()
	header.Set("Access-Control-Expose-Headers", "ETag")
	header.Set("Cache-Control", h.jwksCacheControl())
	header.Set("ETag", document.ETag)
	if matches(r.Header.Values("If-None-Match"), document.ETag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	header.Set("Content-Type", "application/jwk-set+json")
	header.Set("Content-Length", strconv.Itoa(len(document.Body)))
	_, _ = w.Write(document.Body) // a caller that is gone can be told nothing
	return nil
}

// jwksCacheControl gives a cache no longer than the timeline of the keys counts on.
func (h *Handlers) jwksCacheControl() string {
	directives := "public, max-age=" + strconv.Itoa(int(h.JWKSMaxAge/time.Second))
	if stale := int(h.JWKSStale / time.Second); stale > 0 {
		directives += ", stale-while-revalidate=" + strconv.Itoa(stale)
	}
	return directives
}

// matches is the weak comparison of If-None-Match with a tag (RFC 9110 §13.1.2). A proxy
// that compresses the set makes its tag weak. http.ServeContent would serve ranges too,
// of which a key set has none.
func matches(ifNoneMatch []string, etag string) bool {
	field := strings.Join(ifNoneMatch, ",")
	if strings.TrimSpace(field) == "*" {
		return true
	}
	for candidate := range strings.SplitSeq(field, ",") {
		if strings.TrimPrefix(strings.TrimSpace(candidate), "W/") == etag {
			return true
		}
	}
	return false
}
