package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"authserver/internal/admission"
	"authserver/internal/oauth"
	"authserver/internal/passwords"
	"authserver/internal/store"
)

func TestWriteError(t *testing.T) {
	tests := []struct {
		name       string
		err        error
		status     int
		code       oauth.Code
		retryAfter string
	}{
		{"a refusal", oauth.Fail(oauth.InvalidGrant, "r", "d"), 400, oauth.InvalidGrant, ""},
		{"a refusal that is wrapped", fmt.Errorf("exchange: %w", oauth.Fail(oauth.InvalidScope, "r", "d")), 400, oauth.InvalidScope, ""},
		{"a client that did not prove itself", oauth.Fail(oauth.InvalidClient, "r", "d"), 401, oauth.InvalidClient, ""},
		{"a refusal whose cause is an outage is a refusal still", oauth.Fail(oauth.InvalidGrant, "r", "d").Because(store.ErrUnavailable), 400, oauth.InvalidGrant, ""},
		{"come back later", oauth.Fail(oauth.Unavailable, "r", "d").After(1500 * time.Millisecond), 503, oauth.Unavailable, "2"},
		{"come back, whenever", oauth.Fail(oauth.Unavailable, "r", "d"), 503, oauth.Unavailable, "2"},
		{"the database is gone", fmt.Errorf("look up: %w", store.ErrUnavailable), 503, oauth.Unavailable, "2"},
		{"the time is up", fmt.Errorf("look up: %w", context.DeadlineExceeded), 503, oauth.Unavailable, "2"},
		{"no room", fmt.Errorf("enter: %w", admission.ErrFull), 503, oauth.Unavailable, "2"},
		{"no place any more", fmt.Errorf("read: %w", admission.ErrOvertaken), 503, oauth.Unavailable, "2"},
		{"a body that is late", bodyLate(errors.New("x")), 408, oauth.InvalidRequest, ""},
		{"no turn", fmt.Errorf("enter: %w", admission.ErrLate), 503, oauth.Unavailable, "2"},
		{"more than one's share", fmt.Errorf("enter: %w", admission.ErrShare), 429, oauth.Unavailable, "2"},
		{"too many passwords", fmt.Errorf("compare: %w", passwords.ErrBusy), 503, oauth.Unavailable, "2"},
		{"a fault", errors.New("pq: syntax error at or near SELECT"), 500, oauth.ServerError, ""},
		{"a row that is not there, where it has to be", store.ErrNotFound, 500, oauth.ServerError, ""},
		{"a fault of our own making", oauth.Fail(oauth.ServerError, "token_too_large", "d"), 500, oauth.ServerError, ""},
		{"no such endpoint", notFound(nil, nil, nil), 404, oauth.InvalidRequest, ""},
		{"too large", bodyTooLarge(errors.New("x")), 413, oauth.InvalidRequest, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			writeError(w, "id-1", test.err)
			var body map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			if w.Code != test.status || body["error"] != string(test.code) || w.Header().Get("Retry-After") != test.retryAfter || body["request_id"] != "id-1" {
				t.Errorf("answered %d, Retry-After %q, %s", w.Code, w.Header().Get("Retry-After"), w.Body)
			}
			if w.Header().Get("Cache-Control") != "no-store" || strings.Contains(w.Body.String(), "SELECT") {
				t.Errorf("header %v, body %s", w.Header(), w.Body)
			}
		})
	}
}

// RFC 6749 §5.2: error_description MUST NOT include characters outside of
// %x20-21 / %x23-5B / %x5D-7E.
func TestErrorDescriptionCharacters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := httptest.NewRecorder()
		writeError(w, "", oauth.Fail(oauth.InvalidRequest, "r", rapid.String().Draw(t, "description")))
		var body struct {
			Description string `json:"error_description"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		for _, c := range body.Description {
			if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
				t.Fatalf("%q is in %q", c, body.Description)
			}
		}
	})
	if got := oauth.DescriptionText(`say "scope" (section 3.3)`); got != "say 'scope' (section 3.3)" {
		t.Errorf("got %q", got)
	}
}
