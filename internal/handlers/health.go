package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"authserver/internal/web"
)

// Health tells whether the server lives and whether it can do its work.
type Health struct {
	Checks  []Check
	Timeout time.Duration // of one check
	// Fresh is how long an answer is reused, so that frequent requests cost nothing.
	Fresh  time.Duration
	Now    func() time.Time
	Logger *slog.Logger // logs once when a check begins to fail, and why, and once when it passes again

	draining atomic.Bool

	mu      sync.Mutex // one run at a time
	looked  time.Time
	report  report
	failing map[string]bool // the failing checks of the last run
}

// Check tests one thing that the server needs.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

type report struct {
	Status string            `json:"status"` // "ready" or "not ready"
	Checks map[string]string `json:"checks"` // "ok" or "failed"
}

// Drain makes the server not ready for the rest of its life, so that proxies send no new requests
// while it finishes the present ones.
func (h *Health) Drain() { h.draining.Store(true) }

// Draining reports whether Drain was called.
func (h *Health) Draining() bool { return h.draining.Load() }

// live is GET /healthz: the process answers. It does not check the database: a restart would not
// bring that back.
func (h *Health) live(w http.ResponseWriter, _ *http.Request, _ *web.RequestInfo) error {
	w.Header().Set("Cache-Control", "no-store")
	web.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

// ready is GET /readyz: 200 while every check passes, else 503.
func (h *Health) ready(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	report := report{Status: "not ready", Checks: map[string]string{"draining": "failed"}}
	if !h.draining.Load() {
		report = h.runChecks(context.WithoutCancel(r.Context()))
	}
	w.Header().Set("Cache-Control", "no-store")
	status := http.StatusOK
	if report.Status != "ready" {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
		n.Outcome = "not ready"
	}
	web.WriteJSON(w, status, report)
	return nil
}

func (h *Health) runChecks(ctx context.Context) report {
	h.mu.Lock()
	defer h.mu.Unlock()
	if age := h.Now().Sub(h.looked); h.report.Checks != nil && age >= 0 && age < h.Fresh {
		return h.report
	}
	found := report{Status: "ready", Checks: make(map[string]string)}
	failing := make(map[string]bool)
	for _, check := range h.Checks {
		found.Checks[check.Name] = "ok"
		err := h.run(ctx, check)
		if err != nil {
			found.Checks[check.Name] = "failed"
			found.Status = "not ready"
			failing[check.Name] = true
		}
		h.logTransition(ctx, check.Name, err)
	}
	h.looked, h.report, h.failing = h.Now(), found, failing
	return found
}

func (h *Health) run(ctx context.Context, check Check) error {
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	return check.Run(ctx)
}

// logTransition logs the result of a check if it differs from the last one.
func (h *Health) logTransition(ctx context.Context, name string, err error) {
	switch {
	case err != nil && !h.failing[name]:
		h.Logger.ErrorContext(ctx, "not ready: a check fails", "check", name, "error", err)
	case err == nil && h.failing[name]:
		h.Logger.InfoContext(ctx, "a check passes again", "check", name)
	}
}
