package handlers

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"authserver/internal/oauth"
	"authserver/internal/web"
)

func TestRequestID(t *testing.T) {
	s := newSite(t)
	v := s.open()
	for _, id := range []string{"a", "7f9c2ba4-e88f.827d_X", strings.Repeat("x", 64)} {
		if a := v.do(http.MethodGet, "/nothing", "", map[string]string{"X-Request-Id": id}); a.header.Get("X-Request-Id") != id || a.text(t, "request_id") != id {
			t.Errorf("%q is not told back: header %q, body %s", id, a.header.Get("X-Request-Id"), a.body)
		}
		if !strings.Contains(s.log.String(), `"request_id":"`+id+`"`) {
			t.Errorf("%q is not in the log", id)
		}
	}
	made := make(map[string]bool)
	for _, id := range []string{"", " ", "a b", "a\"b", "{}", strings.Repeat("x", 65), "\u00e9", "a;b", "<script>"} {
		a := v.do(http.MethodGet, "/nothing", "", map[string]string{"X-Request-Id": id})
		if got := a.header.Get("X-Request-Id"); got == id || len(got) != 32 || made[got] || a.text(t, "request_id") != got {
			t.Errorf("%q is answered with %q", id, got)
		}
		made[a.header.Get("X-Request-Id")] = true
	}
}

// A request gets an answer even without randomness.
func TestRequestIDWithoutRandomness(t *testing.T) {
	s := newSite(t)
	s.Door.Rand = iotest.ErrReader(errors.New("drained"))
	if a := s.visit(s.public(0), http.DefaultClient).do(http.MethodGet, "/healthz", "", nil); a.status != http.StatusOK {
		t.Errorf("answered %d", a.status)
	}
}

func TestPanic(t *testing.T) {
	s := newSite(t)
	handler := s.Door.Handler([]web.Route{
		{Method: http.MethodGet, Path: "/panic", Serve: func(http.ResponseWriter, *http.Request, *web.RequestInfo) error { panic("secret inside") }},
		{Method: http.MethodGet, Path: "/late", Serve: func(w http.ResponseWriter, _ *http.Request, _ *web.RequestInfo) error {
			w.WriteHeader(http.StatusAccepted)
			panic("after the answer")
		}},
		{Method: http.MethodGet, Path: "/good", Serve: s.Health.live, Quiet: true},
	}, "")
	v := s.visit(handler, http.DefaultClient)
	a := v.do(http.MethodGet, "/panic", "", nil)
	v.refused(a, http.StatusInternalServerError, oauth.ServerError)
	if strings.Contains(a.body, "secret") || strings.Contains(a.body, "goroutine") {
		t.Errorf("the panic is told to the caller: %s", a.body)
	}
	if !strings.Contains(s.log.String(), "secret inside") || !strings.Contains(s.log.String(), `"level":"ERROR"`) {
		t.Error("the panic is not in the log")
	}
	if a := v.do(http.MethodGet, "/late", "", nil); a.status != http.StatusAccepted {
		t.Errorf("an answer that was begun became %d", a.status)
	}
	if a := v.do(http.MethodGet, "/good", "", nil); a.status != http.StatusOK {
		t.Errorf("then the server answers %d", a.status)
	}
}

func TestSecurityHeaders(t *testing.T) {
	v := newSite(t).open()
	for _, path := range []string{"/healthz", JWKSPath, "/nothing"} {
		if a := v.do(http.MethodGet, path, "", nil); a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: header %v", path, a.header)
		}
	}
}
