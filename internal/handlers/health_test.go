package handlers

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestReady(t *testing.T) {
	s := newSite(t)
	var failing error
	s.Health = &Health{
		Checks: []Check{{"database", func(context.Context) error { return failing }}, {"signing_keys", func(context.Context) error { return nil }}},
		Fresh:  time.Second, Timeout: time.Second, Now: s.clock, Logger: slog.New(slog.DiscardHandler),
	}
	v := s.open()
	ready := func(when string, status int, database string) {
		t.Helper()
		a := v.do(http.MethodGet, "/readyz", "", nil)
		checks, _ := a.json(t)["checks"].(map[string]any)
		if a.status != status || checks["database"] != database || (a.header.Get("Retry-After") != "") != (status == 503) || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: answered %d %s, header %v", when, a.status, a.body, a.header)
		}
		if live := v.do(http.MethodGet, "/healthz", "", nil); live.status != http.StatusOK {
			t.Errorf("%s: it is not alive: %d", when, live.status)
		}
	}
	ready("at first", http.StatusOK, "ok")
	failing = errors.New("connection to 10.0.0.1 refused")
	ready("while the last look is fresh", http.StatusOK, "ok")
	s.wait(time.Second)
	ready("when a check fails", http.StatusServiceUnavailable, "failed")
	failing = nil
	s.wait(time.Second)
	ready("when it passes again", http.StatusOK, "ok")
	s.Health.Drain()
	if a := v.do(http.MethodGet, "/readyz", "", nil); a.status != http.StatusServiceUnavailable {
		t.Errorf("while it drains: answered %d %s", a.status, a.body)
	}
}

// A check that hangs counts as failed after its time.
func TestReadyWhileACheckHangs(t *testing.T) {
	s := newSite(t)
	s.Health = &Health{
		Checks:  []Check{{"database", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}, {"signing_keys", func(context.Context) error { return nil }}},
		Timeout: 10 * time.Millisecond, Now: s.clock, Logger: slog.New(slog.DiscardHandler),
	}
	if a := s.open().do(http.MethodGet, "/readyz", "", nil); a.status != http.StatusServiceUnavailable {
		t.Errorf("answered %d", a.status)
	}
}

// The log says once what failed, and the answer does not.
func TestReadinessIsLoggedWhenItChanges(t *testing.T) {
	s := newSite(t)
	var failing error
	s.Health = &Health{
		Checks:  []Check{{"database", func(context.Context) error { return failing }}, {"signing_keys", func(context.Context) error { return nil }}},
		Timeout: time.Second, Now: s.clock, Logger: s.Door.Logger,
	}
	v := s.open()
	ask := func(times int) {
		t.Helper()
		for range times {
			if a := v.do(http.MethodGet, "/readyz", "", nil); strings.Contains(a.body, "INSERT") {
				t.Errorf("the answer shows the cause: %s", a.body)
			}
			s.wait(time.Second)
		}
	}
	said := func(what string, want int) {
		t.Helper()
		if got := strings.Count(s.log.String(), what); got != want {
			t.Errorf("the log says %d times %q, want %d:\n%s", got, what, want, s.log.String())
		}
	}
	ask(3)
	said("not ready", 0)
	said("passes again", 0)
	failing = errors.New("INSERT INTO probes: disk full")
	ask(3)
	said("not ready: a check fails", 1)
	said("disk full", 1)
	failing = nil
	ask(3)
	said("a check passes again", 1)
	failing = errors.New("INSERT INTO probes: read-only")
	ask(3)
	said("not ready: a check fails", 2)
	said("read-only", 1)
}

// Concurrent requests on both listeners share one check.
func TestManyShareOneLook(t *testing.T) {
	s := newSite(t)
	var looks atomic.Int64
	s.Health = &Health{
		Checks: []Check{
			{"database", func(context.Context) error { looks.Add(1); return nil }},
			{"signing_keys", func(context.Context) error { return nil }},
		},
		Fresh: time.Second, Timeout: time.Second, Now: s.clock, Logger: s.Door.Logger,
	}
	v := s.open()
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() { v.do(http.MethodGet, "/readyz", "", nil) })
	}
	group.Wait()
	if looks.Load() != 1 {
		t.Errorf("%d looks, want one", looks.Load())
	}
	s.wait(-time.Hour) // the clock was set back
	v.do(http.MethodGet, "/readyz", "", nil)
	if looks.Load() != 2 {
		t.Errorf("%d looks, want another one", looks.Load())
	}
}
