// Package openapitest holds HTTP traffic to api/openapi.yaml: a black-box test
// that talks through [Validator.Client] fails as soon as a request or an answer
// is not what the document says.
//
// It refuses to know the server: all that it compares with is the document.
// Start at [New].
package openapitest
