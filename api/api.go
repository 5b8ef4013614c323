// Package api holds openapi.yaml, the description of the public listener. The
// server answers with it at /openapi.yaml, and test/openapitest holds every
// request and answer of the black-box tests to it.
//
// It refuses code: what the document says is done in internal/handlers.
package api

import _ "embed" // for the directive alone

//go:embed openapi.yaml
var openAPI string

// OpenAPI returns the document, OpenAPI 3.1 in YAML. The bytes are the caller's.
func OpenAPI() []byte { return []byte(openAPI) }
