package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"authserver/internal/config"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/web"
)

const (
	crowd = 100 // connections: with all their streams as many requests as there may be connections

	migrateTimeout = 5 * time.Minute
	opsConnections = 256 // probes and scrapes
)

// ServeOptions is what a server needs in addition to its settings.
type ServeOptions struct {
	Version string
	Stderr  io.Writer
	// Demo adds an app that signs people in, for developers. It is for plain http.
	Demo bool
	// Ready is called once, when both listeners accept, with their addresses.
	Ready func(public, ops string)
	// Each value of Reload makes the server read its TLS files again; nil: it only reads them when
	// they have changed.
	Reload <-chan os.Signal
}

// Serve runs a server until ctx ends. Then it says for --drain-delay that it is not
// ready, while it accepts requests as before, closes the public listener, and finishes
// the requests that it has accepted, for as long as --drain-timeout.
func Serve(ctx context.Context, s config.Server, o ServeOptions) (err error) {
	defer allowHeap(heapFloor).end()
	logger := telemetry.NewLogger(o.Stderr, s.LogLevel, s.LogFormat)
	if err := checkSettings(s); err != nil {
		return err
	}
	files, err := openTLS(s.TLS, logger)
	if err != nil {
		return err
	}
	st, err := OpenStore(ctx, s.Database, logger)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := prepare(ctx, st, s.Schema); err != nil {
		return err
	}
	ring, err := openKeys(ctx, st, serverKeys(s), logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ring.Close()) }()
	p, err := wire(ctx, base{store: st, ring: ring, files: files, version: o.Version, logger: logger}, s)
	if err != nil {
		return err
	}
	public, err := listen(ctx, "listen", s.Listen, s.MaxConnections)
	if err != nil {
		return err
	}
	ops, err := listen(ctx, "ops-listen", s.OpsListen, opsConnections)
	if err != nil {
		return errors.Join(err, public.Close())
	}
	if o.Demo {
		// The log of the first keys comes before the output of Ready, which a newcomer has to see.
		if err = errors.Join(ring.tick(ctx), p.doors.openDemo(public.Addr().String())); err != nil {
			return errors.Join(err, public.Close(), ops.Close())
		}
	}
	return p.run(ctx, public, ops, drain{s.DrainDelay, s.DrainTimeout}, logger, o)
}

// listen opens the listener that a setting asks for.
func listen(ctx context.Context, setting, address string, connections int) (*web.Listener, error) {
	listener, err := web.Listen(ctx, address, connections, time.Now)
	if err != nil {
		return nil, fmt.Errorf("--%s %s: %w: choose another address, or stop what listens there", setting, address, err)
	}
	return listener, nil
}

// crowded reports whether there are more connections than may have all of their streams.
func crowded(listener *web.Listener) func() bool {
	return func() bool { return listener.Connections() > crowd }
}

// prepare migrates the schema, or checks that it is migrated.
func prepare(ctx context.Context, st store.Migrator, s config.Schema) error {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	if !s.NoMigrate {
		return st.MigrateUp(ctx)
	}
	status, err := st.MigrationStatus(ctx)
	if err != nil {
		return fmt.Errorf("read the schema version: %w", err)
	}
	return status.Check()
}

// run serves until ctx ends or a listener fails.
func (p *parts) run(ctx context.Context, public, ops *web.Listener, drain drain, logger *slog.Logger, o ServeOptions) error {
	defer p.loops.remote.Close()
	publicServer := web.NewPublicServer(p.doors.handlePublic(crowded(public)), p.tls, logger)
	opsServer := web.NewOpsServer(p.doors.handleOps(), logger)

	group, running := errgroup.WithContext(ctx)
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group.Go(func() error { return serve(publicServer, public) })
	group.Go(func() error { return serve(opsServer, ops) })
	group.Go(func() error { p.reloads(background, o.Reload); return nil })
	p.loops.start(background, group.Go)
	logger.InfoContext(ctx, "serving", "version", o.Version, "issuer", p.doors.issuer, "listen", public.Addr().String(), "ops_listen", ops.Addr().String(), "tls", p.tls != nil, "signer", SignedBy())
	if o.Ready != nil {
		o.Ready(public.Addr().String(), ops.Addr().String())
	}
	debug.FreeOSMemory() // for the start, which takes longer than later work
	<-running.Done()

	logger.InfoContext(ctx, "draining", "delay", drain.delay.String(), "timeout", drain.timeout.String())
	p.doors.health().Drain()
	awaitProxies(ctx, drain.delay)
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain.timeout)
	defer cancel()
	err := shutdown(deadline, publicServer, opsServer)
	stop()
	err = errors.Join(err, group.Wait())
	public.End()
	ops.End()
	if ended := errors.Join(p.loops.putBacks.Flush(deadline), p.keys.signing.FlushUse(deadline), p.keys.signing.Stop(deadline)); ended != nil {
		logger.WarnContext(ctx, "the end of this server is not recorded", "error", ended)
	}
	return err
}

// reloads reads the files again for each value of Reload, until ctx ends.
func (p *parts) reloads(ctx context.Context, wanted <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-wanted:
			p.reload()
		}
	}
}

func serve(s *http.Server, listener net.Listener) error {
	accept := s.Serve
	if s.TLSConfig != nil {
		accept = func(l net.Listener) error { return s.ServeTLS(l, "", "") } // the certificate is in TLSConfig
	}
	if err := accept(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	}
	return nil
}

// shutdown drains the public listener first, so that the ops listener still answers meanwhile.
// Connections beyond the deadline are closed.
func shutdown(ctx context.Context, servers ...*http.Server) error {
	var errs []error
	for _, s := range servers {
		if err := s.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("requests were cut off when --drain-timeout ended: %w", err), s.Close())
		}
	}
	return errors.Join(errs...)
}
