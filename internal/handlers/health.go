package handlers

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Health tells whether the server lives and whether it can do its work.
type Health struct {
	Checks  []Check
	Timeout time.Duration // of one check
	// Fresh is how long an answer stands, so that asking often costs nothing.
	Fresh time.Duration
	Now   func() time.Time

	draining atomic.Bool

	mu     sync.Mutex // one look at a time
	looked time.Time
	report report
}

// Check is one thing that the server cannot do without.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

type report struct {
	Status string            `json:"status"` // "ready" or "not ready"
	Checks map[string]string `json:"checks"` // "ok" or "failed"
}

// Drain makes the server not ready for good, so that no new requests are sent
// its way while it finishes those that it has.
func (h *Health) Drain() { h.draining.Store(true) }

// Draining reports whether Drain was called.
func (h *Health) Draining() bool { return h.draining.Load() }

// live is GET /healthz: the process answers. A database that is gone is no reason
// to restart it.
func (h *Health) live(w http.ResponseWriter, _ *http.Request, _ *note) error {
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

// ready is GET /readyz: 200 while every check passes, else 503.
func (h *Health) ready(w http.ResponseWriter, r *http.Request, n *note) error {
	report := report{Status: "not ready", Checks: map[string]string{"draining": "failed"}}
	if !h.draining.Load() {
		report = h.look(context.WithoutCancel(r.Context()))
	}
	w.Header().Set("Cache-Control", "no-store")
	status := http.StatusOK
	if report.Status != "ready" {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
		n.outcome = "not ready"
	}
	writeJSON(w, status, report)
	return nil
}

func (h *Health) look(ctx context.Context) report {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := h.Now(); h.report.Checks != nil && now.Sub(h.looked) < h.Fresh {
		return h.report
	}
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	found := report{Status: "ready", Checks: make(map[string]string)}
	for _, check := range h.Checks {
		found.Checks[check.Name] = "ok"
		if err := check.Run(ctx); err != nil {
			found.Checks[check.Name] = "failed"
			found.Status = "not ready"
		}
	}
	h.looked, h.report = h.Now(), found
	return found
}
