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

// Door is what all requests of one listener pass: limits, request id, log line, errors.
type Door struct {
	Proxies Proxies // the proxies whose headers name the client
	// Places bound the number of requests of the listener and the memory of their bodies. With
	// HTTP/1.1 the number of connections is a bound already.
	Places admission.Places
	// Crowded reports whether there are so many connections that all of their streams together
	// would be too many. Only then does a request keep its place until its answer is sent, which
	// costs one more frame each. nil: never.
	Crowded func() bool
	// Limit bounds the time of a request that changes something; 0: no bound. Reading is fast, or
	// has a bound of its own.
	Limit time.Duration
	// Shed limits how many of the requests that were refused under overload are logged.
	Shed    rate.Sometimes
	Metrics *telemetry.Metrics
	Logger  *slog.Logger
	Now     func() time.Time
	Rand    io.Reader
}

// Endpoint answers a request, or returns an error. It writes what the log line needs into the
// RequestInfo.
type Endpoint func(w http.ResponseWriter, r *http.Request, n *RequestInfo) error

// Plain makes an endpoint of a handler that cannot fail.
func Plain(handler http.Handler) Endpoint {
	return func(w http.ResponseWriter, r *http.Request, _ *RequestInfo) error {
		handler.ServeHTTP(w, r)
		return nil
	}
}

// wrap adds to an endpoint what all of them share: a request id, a deadline, a log line, metrics,
// and the rendering of errors.
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
		case refusedForLoad(err): // logging each would cost more than refusing it; the metrics count them
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
