package openapitest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"authserver/api"
)

// Validator compares requests and answers with the document. It is safe for concurrent use.
type Validator struct {
	t   testing.TB
	doc *openapi3.T
}

// registerHTML makes kin-openapi read a page as a string.
var registerHTML = sync.OnceFunc(func() {
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/jwt", openapi3filter.PlainBodyDecoder)
})

// load reads the document once for all tests of a program: reading it takes half a second of a
// processor under the race detector.
var load = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI())
	if err != nil {
		return nil, err
	}
	return doc, plain(doc)
})

// plain turns a document of OpenAPI 3.1 into one of 3.0 with the same meaning. kin-openapi compiles
// each schema of 3.1 again for each value that it compares, which took half of the processor's time
// of the tests of handlers. The only addition of 3.1 in the document is const, which is an enum of
// one value. With a discriminator, kin-openapi would compare with only one schema of a oneOf. Any
// other addition of 3.1, which a validator of 3.0 would ignore, is an error.
func plain(doc *openapi3.T) error {
	doc.OpenAPI, doc.Info = "3.0.3", &openapi3.Info{Title: doc.Info.Title, Version: doc.Info.Version}
	err := doc.WalkSchemas(func(_ string, schema *openapi3.SchemaRef) error {
		schema.Value.Discriminator = nil
		if only := schema.Value.Const; only != nil {
			schema.Value.Enum, schema.Value.Const = []any{only}, nil
		}
		return nil
	})
	return errors.Join(err, doc.Validate(context.Background()))
}

// New checks the requests and answers of the test t against the document. Every difference fails t.
func New(t testing.TB) *Validator {
	t.Helper()
	registerHTML()
	doc, err := load()
	if err != nil {
		t.Fatalf("load api/openapi.yaml: %v", err)
	}
	return &Validator{t: t, doc: doc}
}

// CheckRequest returns what is wrong with a request with the given body.
func (v *Validator) CheckRequest(r *http.Request, body []byte) error {
	item, operation := v.find(r)
	if operation == nil {
		return fmt.Errorf("the document has no %s %s", r.Method, r.URL.Path)
	}
	checked := r.Clone(r.Context()) // kin-openapi replaces what it reads
	checked.Body = io.NopCloser(bytes.NewReader(body))
	checked.GetBody = nil
	return openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: checked,
		Route:   v.route(r, item, operation),
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	})
}

// CheckAnswer returns what is wrong with the answer to r with the given body: an undocumented
// status, a header or content type that is missing or different, a body that its schema refuses. A
// path or method that is not in the document must be answered with its NotFound or
// MethodNotAllowed.
func (v *Validator) CheckAnswer(r *http.Request, answer *http.Response, body []byte) error {
	item, operation := v.find(r)
	var documented *openapi3.ResponseRef
	switch {
	case item == nil:
		documented = v.only(http.StatusNotFound, "NotFound", answer)
	case operation == nil:
		if documented = v.only(http.StatusMethodNotAllowed, "MethodNotAllowed", answer); documented != nil {
			if err := checkAllow(answer.Header.Get("Allow"), item); err != nil {
				return err
			}
		}
	default:
		documented = operation.Responses.Status(answer.StatusCode)
	}
	if documented == nil {
		return fmt.Errorf("the status %d is not documented for it", answer.StatusCode)
	}
	if err := checkBody(r, answer, documented.Value, body); err != nil {
		return err
	}
	return v.compare(r, answer, documented, body)
}

// find returns the path's item and the operation; nil: there is none. A HEAD that is not in the
// document is the GET (RFC 9110 §9.3.2).
func (v *Validator) find(r *http.Request) (*openapi3.PathItem, *openapi3.Operation) {
	item := v.doc.Paths.Value(r.URL.Path)
	if item == nil {
		return nil, nil
	}
	if r.Method == http.MethodHead && item.Head == nil {
		return item, item.Get
	}
	return item, item.GetOperation(r.Method)
}

func (v *Validator) route(r *http.Request, item *openapi3.PathItem, operation *openapi3.Operation) *routers.Route {
	return &routers.Route{Spec: v.doc, Path: r.URL.Path, PathItem: item, Method: r.Method, Operation: operation}
}

func (v *Validator) only(status int, name string, answer *http.Response) *openapi3.ResponseRef {
	if answer.StatusCode != status {
		return nil
	}
	return v.doc.Components.Responses[name]
}

// compare lets kin-openapi do the rest. kin-openapi checks no HEAD and no 304, and has no 404 and
// 405 without an operation. So compare gives it a GET with one answer, 200.
func (v *Validator) compare(r *http.Request, answer *http.Response, documented *openapi3.ResponseRef, body []byte) error {
	get := &http.Request{Method: http.MethodGet, URL: r.URL, Header: r.Header}
	operation := &openapi3.Operation{Responses: openapi3.NewResponses(openapi3.WithStatus(http.StatusOK, documented))}
	return openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: get, Route: v.route(get, &openapi3.PathItem{}, operation)},
		Status:                 http.StatusOK,
		Header:                 answer.Header,
		Body:                   io.NopCloser(bytes.NewReader(body)),
		Options:                &openapi3filter.Options{ExcludeResponseBody: r.Method == http.MethodHead},
	})
}

// checkBody checks what a schema cannot express: there is a body if, and only if, one is
// documented.
func checkBody(r *http.Request, answer *http.Response, documented *openapi3.Response, body []byte) error {
	contentType := answer.Header.Get("Content-Type")
	if len(documented.Content) > 0 && documented.Content.Get(contentType) == nil {
		return fmt.Errorf("the content type %q is not documented for the status %d", contentType, answer.StatusCode)
	}
	wanted := len(documented.Content) > 0 && r.Method != http.MethodHead
	switch {
	case wanted && len(body) == 0:
		return fmt.Errorf("the status %d is documented with a body and has none", answer.StatusCode)
	case !wanted && len(body) > 0:
		return fmt.Errorf("the status %d is documented without a body and has one: %.100q", answer.StatusCode, body)
	}
	return checkRequestID(answer, body)
}

// checkRequestID compares the id in the body of an error with the header. A missing id, or a body
// that is not JSON, is a matter of the schema.
func checkRequestID(answer *http.Response, body []byte) error {
	var failure struct {
		RequestID string `json:"request_id"`
	}
	header := answer.Header.Get("X-Request-Id")
	if answer.StatusCode >= 400 && json.Unmarshal(body, &failure) == nil && failure.RequestID != "" && failure.RequestID != header {
		return fmt.Errorf("request_id is %q and X-Request-Id is %q", failure.RequestID, header)
	}
	return nil
}

// checkAllow compares the header with the methods of the path (RFC 9110 §15.5.6).
func checkAllow(allow string, item *openapi3.PathItem) error {
	var allowed []string
	for method := range strings.SplitSeq(allow, ",") {
		allowed = append(allowed, strings.TrimSpace(method))
	}
	for method := range item.Operations() {
		if !slices.Contains(allowed, method) {
			return fmt.Errorf("the header Allow is %q and leaves out %s", allow, method)
		}
	}
	return nil
}
