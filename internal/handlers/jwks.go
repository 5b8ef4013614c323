package handlers

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"authserver/internal/keys"
	"authserver/internal/web"
)

// JWKS is GET /.well-known/jwks.json (RFC 7517 §5).
type JWKS struct {
	Keys         interface{ JWKS() keys.Document }
	CacheControl string // [KeySetCacheControl]
}

func (e *JWKS) serve(w http.ResponseWriter, r *http.Request, _ *web.RequestInfo) error {
	document := e.Keys.JWKS()
	if len(document.Body) == 0 { // a verifier with an empty set would refuse every token
		return errors.New("no key set is published: the list of the signing keys says why")
	}
	header := w.Header()
	header.Set("Access-Control-Expose-Headers", "ETag")
	header.Set("Cache-Control", e.CacheControl)
	header.Set("Etag", document.ETag) // the canonical form of net/http, which saves a conversion
	if matches(r.Header.Values("If-None-Match"), document.ETag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	header.Set("Content-Type", "application/jwk-set+json")
	header.Set("Content-Length", strconv.Itoa(len(document.Body)))
	_, _ = w.Write(document.Body) // the caller is gone
	return nil
}

// KeySetCacheControl is Cache-Control of the key set: how long a cache may use it, and how much
// longer while it fetches the set again (RFC 5861 §3). The timeline of the keys counts on these
// limits.
func KeySetCacheControl(maxAge, stale time.Duration) string {
	directives := "public, max-age=" + strconv.Itoa(int(maxAge/time.Second))
	if stale := int(stale / time.Second); stale > 0 {
		directives += ", stale-while-revalidate=" + strconv.Itoa(stale)
	}
	return directives
}

// matches is the weak comparison of If-None-Match with a tag (RFC 9110 §13.1.2). A proxy that
// compresses the set makes its tag weak. http.ServeContent would also serve ranges, which make no
// sense for a key set.
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
