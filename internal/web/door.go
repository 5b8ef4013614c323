package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"golang.org/x/time/rate"

	"authserver/internal/admission"
	"authserver/internal/store"
	"authserver/internal/telemetry"
)

// Door is what the requests of one listener come in by.
type Door struct {
	Proxies Proxies // whose word for the address of a client is taken
	// Places bound the requests of the listener and what their bodies take. It is
	// bounded by connections already where a connection has one request at a time.
	Places admission.Places
	// Crowded reports whether there are so many connections that all of their streams
	// together would be too many. Only then the answers count until they are taken: it
	// costs a frame more for each. nil: never.
	Crowded func() bool
	// Limit is how long a request that changes something may take; 0: as long as it does.
	// What is read is there, or bounded by itself.
	Limit time.Duration
	// Shed says how many of the requests that were refused for want of room are logged.
	Shed    rate.Sometimes
	Metrics *telemetry.Metrics
	Logger  *slog.Logger
	Now     func() time.Time
	Rand    io.Reader
}

// Endpoint answers a request, or returns why not. What it learns for the one log line of
// the request goes into the note.
type Endpoint func(w http.ResponseWriter, r *http.Request, n *RequestInfo) error

// Plain makes an endpoint of a handler that cannot fail.
func Plain(handler http.Handler) Endpoint {
	return func(w http.ResponseWriter, r *http.Request, _ *RequestInfo) error {
		handler.ServeHTTP(w, r)
		return nil
	}
}

// wrap puts around an endpoint what all of them share: a request id, a deadline,
// one log line, one count, and one way to render what went wrong.
func (d *Door) wrap(row Route, called []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := d.Now()
		id, err := newRequestID(r.Header.Get("X-Request-Id"), d.Rand)
		if err != nil {
			d.Logger.Error("no request id", "error", err)
		}
		ctx := telemetry.WithRequestID(r.Context(), id)
		if d.Limit > 0 && row.Method == http.MethodPost {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, d.Limit)
			defer cancel()
		}
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		answer := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		d.Metrics.RequestBegan()
		n := RequestInfo{route: row.Path, slot: requestSlot{w: w}, From: d.Proxies.ClientAddress(r), URLs: called}
		if err = d.Places.Enter(&n.slot.place, n.From.Share, row.Method != http.MethodPost); err == nil {
			defer n.slot.place.Leave()
			if row.Method != http.MethodPost {
				_ = n.slot.answer() // it has just been given its place
			}
			err = recoverPanic(row.Serve, answer, r.WithContext(ctx), &n)
		}
		if err != nil && answer.Status() == 0 {
			if n.slot.leaves(r, err) {
				w.Header().Set("Connection", "close")
			}
			writeError(answer, id, err)
		}
		if err == nil {
			err = n.Refusal
		}
		if r.ProtoMajor >= 2 && d.Crowded != nil && d.Crowded() {
			n.slot.finish(d.Now())
		}
		n.took = d.Now().Sub(began)
		d.Metrics.RequestEnded(row.Path, answer.Status(), n.took)
		d.countFailure(err)
		switch {
		case refusedForLoad(err): // to write of each would cost more than to refuse it; the metrics count them
			d.Shed.Do(func() { d.log(ctx, r, answer, &n, err) })
		case err != nil || !row.Quiet:
			d.log(ctx, r, answer, &n, err)
		}
	})
}

// recoverPanic turns a panic into an error, so that one request cannot end the server.
func recoverPanic(serve Endpoint, w http.ResponseWriter, r *http.Request, n *RequestInfo) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return serve(w, r, n)
}

func (d *Door) countFailure(err error) {
	if err == nil {
		return
	}
	_, refused := Classify(err)
	d.Metrics.Refused(string(refused.Code), refused.Reason)
	switch {
	case errors.Is(err, store.ErrUnavailable):
		d.Metrics.StoreError("unavailable")
	case errors.Is(err, context.DeadlineExceeded):
		d.Metrics.StoreError("timeout")
	}
}
