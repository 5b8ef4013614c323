package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"authserver/internal/attempts"
	"authserver/internal/grants"
	"authserver/internal/oidc"
	"authserver/internal/sessions"
	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/internal/trust/remotekeys"
)

// Intervals of the work in the background.
const (
	sweepInterval   = time.Minute
	sweepBatch      = 1000
	deliverInterval = 2 * time.Second        // a client gets its logout token within this time
	putBackInterval = time.Second            // Retry-After is twice as long
	guardInterval   = time.Second            // replicas learn of each other's failed logins within this time
	retryFirst      = 500 * time.Millisecond // after a change that could not be loaded
	retryLast       = 8 * time.Second        // the pause doubles up to this while the database is down
	loopTimeout     = 10 * time.Second       // of one piece of work
)

// loopStore is the part of the store that the loops read and clean up.
type loopStore interface {
	store.Watcher
	store.Housekeeper
	SweepEvents(ctx context.Context, before store.Moment, limit int) (removed int, err error)
}

// loops is the background work. No request waits for it.
type loops struct {
	store  loopStore
	cached *store.Cached
	keys   *keyring
	view   *tokens.View
	remote *remotekeys.Sets
	// putBacks are refresh tokens whose exchange could not be answered.
	putBacks       *grants.PutBacks
	seen           *sessions.LastSeen
	revoker        *tokens.Revoker
	backchannel    *oidc.Backchannel
	guard          *attempts.Guard
	poll           time.Duration // how often the loops look for changes without a notification
	tick           time.Duration // how often the key timeline is checked
	skew           time.Duration // the most by which two clocks differ
	auditRetention time.Duration // how long events are kept; 0: for ever
	now            func() time.Time
	logger         *slog.Logger
}

// start runs the loops until ctx ends, each in a goroutine of the group.
func (l *loops) start(ctx context.Context, run func(func() error)) {
	changed := make(chan store.Topic, len(store.Topics()))
	run(func() error { l.store.Watch(ctx, changed); return nil })
	run(func() error { l.follow(ctx, changed); return nil })
	run(func() error { l.every(ctx, l.tick, "plan the keys", l.keys.tick); return nil })
	run(func() error {
		l.every(ctx, refreshInterval, "refresh the keys of others", l.remote.Refresh)
		return nil
	})
	run(func() error {
		l.every(ctx, putBackInterval, "put back refresh tokens", l.putBacks.Flush)
		return nil
	})
	run(func() error {
		l.every(ctx, sweepInterval, "record which sessions were used", l.seen.Flush)
		return nil
	})
	run(func() error {
		l.every(ctx, deliverInterval, "deliver logout tokens", l.backchannel.Deliver)
		return nil
	})
	run(func() error {
		l.every(ctx, guardInterval, "read failed attempts", l.guard.Follow)
		return nil
	})
	run(func() error {
		l.every(ctx, sweepInterval, "end the sessions that expired", l.endSessions)
		return nil
	})
	run(func() error { l.every(ctx, sweepInterval, "sweep", l.sweep); return nil })
	run(func() error { l.every(ctx, sweepInterval, "sweep the audit", l.sweepEvents); return nil })
}

// follow loads changes: at once after a notification, within the poll interval without one, and
// again shortly if the database failed.
func (l *loops) follow(ctx context.Context, changed <-chan store.Topic) {
	poll := time.NewTicker(l.poll - l.poll/10) // changes are loaded before the interval is over
	defer poll.Stop()
	wait := retryFirst
	retry := time.NewTimer(0)
	defer retry.Stop()
	behind := map[store.Topic]bool{store.TopicRevocations: true} // none of it is loaded yet
	for {
		select {
		case <-ctx.Done():
			return
		case topic := <-changed:
			behind[topic] = true
		case <-poll.C:
			behind[store.TopicRevocations] = true
			behind[store.TopicKeys] = true
		case <-retry.C:
		}
		for topic := range behind {
			if err := l.takeIn(ctx, topic); err != nil && ctx.Err() == nil {
				l.logger.WarnContext(ctx, "a change is not loaded yet", "topic", string(topic), "retry_in", wait.String(), "error", err)
				continue
			}
			delete(behind, topic)
		}
		if len(behind) == 0 {
			wait = retryFirst
			continue
		}
		retry.Reset(wait)
		wait = min(2*wait, retryLast)
	}
}

func (l *loops) takeIn(ctx context.Context, topic store.Topic) error {
	ctx, cancel := context.WithTimeout(ctx, loopTimeout)
	defer cancel()
	switch topic {
	case store.TopicRevocations:
		return l.view.Follow(ctx)
	case store.TopicKeys:
		return l.keys.reload(ctx)
	case store.TopicResources, store.TopicIssuers:
		l.cached.Changed(topic)
		return l.keys.signing.Plan(ctx) // one may want a key of another algorithm
	default:
		l.cached.Changed(topic)
		return nil
	}
}

// sweep removes what has expired by the clock of every replica, in small batches, and records which
// keys were used.
func (l *loops) sweep(ctx context.Context) error {
	now := l.now()
	l.view.Forget(now)
	flushed := l.keys.signing.FlushUse(ctx)
	// A server whose clock is behind still needs rows for the skew.
	over := store.At(now.Add(-2 * l.skew))
	for {
		removed, err := l.store.Sweep(ctx, over, sweepBatch)
		if err != nil || removed == 0 {
			return errors.Join(flushed, err)
		}
	}
}

// endSessions ends the sessions that have expired by the clock of every replica, and whose last use
// every replica has recorded by now.
func (l *loops) endSessions(ctx context.Context) error {
	over := store.At(l.now().Add(-2*l.skew - 2*sweepInterval))
	for {
		ended, err := l.revoker.ExpiredSessions(ctx, actor(), over, sweepBatch)
		if err != nil || ended == 0 {
			return err
		}
	}
}

// sweepEvents removes the events that the audit has kept for long enough.
func (l *loops) sweepEvents(ctx context.Context) error {
	if l.auditRetention == 0 {
		return nil
	}
	over := store.At(l.now().Add(-l.auditRetention))
	for {
		removed, err := l.store.SweepEvents(ctx, over, sweepBatch)
		if err != nil || removed == 0 {
			return err
		}
	}
}

// every does the work now and at each interval until ctx ends. It logs a failure, and tries again
// at the next interval.
func (l *loops) every(ctx context.Context, interval time.Duration, what string, work func(context.Context) error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		bounded, cancel := context.WithTimeout(ctx, loopTimeout)
		if err := work(bounded); err != nil && ctx.Err() == nil {
			l.logger.WarnContext(ctx, "work in the background failed and is tried again", "work", what, "error", err)
		}
		cancel()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
