package openapitest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Client returns a copy of base that checks requests and answers against the document. A nil base
// is the zero [http.Client].
func (v *Validator) Client(base *http.Client) *http.Client {
	return v.wrap(base, false)
}

// HostileClient is Client for requests that are wrong on purpose: it checks only the answers, and
// does not touch a request's body.
func (v *Validator) HostileClient(base *http.Client) *http.Client {
	return v.wrap(base, true)
}

func (v *Validator) wrap(base *http.Client, hostile bool) *http.Client {
	var client http.Client
	if base != nil {
		client = *base
	}
	next := client.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	client.Transport = &transport{validator: v, next: next, hostile: hostile}
	return &client
}

// transport is an [http.RoundTripper] between a client and its own.
type transport struct {
	validator *Validator
	next      http.RoundTripper
	hostile   bool
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := r
	if !t.hostile {
		var err error
		if sent, err = t.checkRequest(r); err != nil {
			return nil, err
		}
	}
	answer, err := t.next.RoundTrip(sent)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close() // all of it was read
	if err != nil {
		return nil, fmt.Errorf("read the answer to %s %s: %w", r.Method, r.URL.Path, err)
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	if err := t.validator.CheckAnswer(r, answer, body); err != nil {
		t.validator.t.Errorf("the answer %d to %s %s is not what api/openapi.yaml says: %v", answer.StatusCode, r.Method, r.URL.Path, err)
	}
	return answer, nil
}

// checkRequest returns a copy of r to send, because checking reads the body, and a RoundTripper
// must not change the request.
func (t *transport) checkRequest(r *http.Request) (*http.Request, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		_ = r.Body.Close() // all of it was read
		if err != nil {
			return nil, fmt.Errorf("read the body of %s %s: %w", r.Method, r.URL.Path, err)
		}
	}
	if err := t.validator.CheckRequest(r, body); err != nil {
		t.validator.t.Errorf("the request %s %s is not what api/openapi.yaml says (is it bad on purpose? use HostileClient): %v", r.Method, r.URL.Path, err)
	}
	sent := r.Clone(r.Context())
	if r.Body != nil && r.Body != http.NoBody {
		sent.Body = io.NopCloser(bytes.NewReader(body))
	}
	return sent, nil
}
