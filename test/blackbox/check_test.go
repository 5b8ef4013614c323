package blackbox

import (
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"testing"

	"authserver/test/harness"
)

func trim(s string) string { return strings.TrimSpace(s) }

// wantError checks an error answer: its status, its code, and what every error has (RFC 6749
// section 5.2).
func wantError(t *testing.T, answer harness.Answer, status int, code string) {
	t.Helper()
	if answer.Status != status || answer.Text("error") != code {
		t.Errorf("answered %d %s, want %d %s", answer.Status, answer.Raw, status, code)
		return
	}
	if got := answer.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		t.Errorf("Content-Type is %q", got)
	}
	if got := answer.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
	id := answer.Header.Get("X-Request-Id")
	if id == "" || answer.Text("request_id") != id {
		t.Errorf("request_id is %q in the body and %q in the header", answer.Text("request_id"), id)
	}
	if answer.Text("error_description") == "" {
		t.Error("there is no error_description")
	}
	for i := range len(answer.Text("error_description")) {
		if c := answer.Text("error_description")[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			t.Errorf("error_description holds %q, which RFC 6749 section 5.2 does not allow", c)
		}
	}
	if status == http.StatusUnauthorized && !strings.HasPrefix(answer.Header.Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("WWW-Authenticate is %q (RFC 9110 section 11.6.1)", answer.Header.Get("WWW-Authenticate"))
	}
	if status == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") == "" {
		t.Error("there is no Retry-After")
	}
}

// wantLog waits for a log line that contains all parts.
func wantLog(t *testing.T, s *harness.Server, parts ...string) {
	t.Helper()
	harness.Eventually(t, reached, "a log line with "+strings.Join(parts, " and "), func() bool {
		for line := range strings.Lines(s.Logs()) {
			all := true
			for _, part := range parts {
				all = all && strings.Contains(line, part)
			}
			if all {
				return true
			}
		}
		return false
	})
}

// atOnce sends n requests at the same moment.
func atOnce(n int, ask func(i int) harness.Answer) []harness.Answer {
	answers := make([]harness.Answer, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { answers[i] = ask(i) })
	}
	group.Wait()
	return answers
}

// decodePart decodes one part of a JWT in compact form.
func decodePart(t *testing.T, token string, part int) []byte {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %d parts", len(parts))
	}
	decoded, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

// letIn repeats a request while the server refuses it before checking it, as a slow machine refuses
// the last of many requests.
func letIn(t *testing.T, send func() harness.Answer) (answer harness.Answer) {
	t.Helper()
	harness.Eventually(t, reached, "the request is let in", func() bool {
		answer = send()
		return !refusedForNow(answer) || !strings.Contains(answer.Text("error_description"), "more requests arrive")
	})
	return answer
}
