// Package api has openapi.yaml, the description of the public listener. The server serves it at
// /openapi.yaml, and test/openapitest checks every request and answer of the black-box tests
// against it. It refuses code: internal/handlers implements the document.
package api

import _ "embed" // for the directive alone

//go:embed openapi.yaml
var openAPI string

// OpenAPI returns the document, OpenAPI 3.1 in YAML. The bytes are the caller's.
func OpenAPI() []byte { return []byte(openAPI) }
