// Package openapitest checks HTTP traffic against api/openapi.yaml: a black-box test that uses
// [Validator.Client] fails as soon as a request or an answer differs from the document.
//
// It refuses to know the server: it compares only with the document. Start at [New].
package openapitest
