package handlers

import (
	"net/http"

	"authserver/internal/web"
)

// OpenAPI is GET /openapi.yaml.
type OpenAPI struct{ Document []byte }

func (e *OpenAPI) serve(w http.ResponseWriter, _ *http.Request, _ *web.RequestInfo) error {
	w.Header().Set("Content-Type", "application/yaml") // RFC 9512
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(e.Document)
	return nil
}
