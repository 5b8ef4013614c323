package handlers

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

// jwks is GET /.well-known/jwks.json (RFC 7517 §5). http.ServeContent answers
// conditional requests and HEAD.
func (h *Handlers) jwks(w http.ResponseWriter, r *http.Request, _ *note) error {
	document := h.Keys.JWKS()
	h.serveDocument(w, r, "application/jwk-set+json", document.ETag, document.Body)
	return nil
}

func (h *Handlers) serveDocument(w http.ResponseWriter, r *http.Request, contentType, etag string, body []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(h.JWKSMaxAge/time.Second)))
	header.Set("ETag", etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
