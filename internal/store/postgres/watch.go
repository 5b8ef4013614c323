package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"authserver/internal/store"
)

// channel is the one that the triggers of the schema notify.
const channel = "authserver"

// How long a watcher waits after it lost its connection, doubling from the first
// to the last; how long a notification of its own may take to come; and how often
// it tells every topic where none comes.
const (
	watchFirstPause = 100 * time.Millisecond
	watchLastPause  = 10 * time.Second
	watchEcho       = 3 * time.Second
	watchBlind      = time.Second
)

// Watch listens on a connection of its own, for as long as ctx lasts.
func (d *DB) Watch(ctx context.Context, changed chan<- store.Topic) {
	told := &pending{wake: make(chan struct{}, 1)}
	var wg sync.WaitGroup
	wg.Go(func() { told.pass(ctx, changed) })
	defer wg.Wait()
	wait := watchFirstPause
	for ctx.Err() == nil {
		err := d.listen(ctx, told, func() { wait = watchFirstPause })
		if ctx.Err() != nil {
			return
		}
		d.log.WarnContext(ctx, "the watcher lost the database and connects again", "wait", wait, "error", err)
		_ = pause(ctx, wait/2+mathrand.N(wait/2)) //nolint:gosec // jitter is no secret
		wait = min(2*wait, watchLastPause)
	}
}

// listen connects and tells of what it hears, until the connection is lost.
func (d *DB) listen(ctx context.Context, told *pending, connected func()) (err error) {
	config := d.session.Copy()
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: conn.Conn()} // waiting is no statement to cancel
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		err = errors.Join(err, conn.Close(closing))
	}()
	if err := d.limited(ctx, func(ctx context.Context) error {
		_, err := conn.Exec(ctx, "LISTEN "+channel)
		return err
	}); err != nil {
		return err
	}
	connected()
	told.add(store.Topics()...)
	hears, err := d.hears(ctx, conn, told)
	if err != nil {
		return err
	}
	if !hears {
		return d.blind(ctx, told)
	}
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		told.hear(n.Payload)
	}
}

// hears reports whether notifications come through: PgBouncer in transaction mode
// takes a LISTEN and never delivers.
func (d *DB) hears(ctx context.Context, conn *pgx.Conn, told *pending) (bool, error) {
	echo := "echo " + rand.Text()
	if _, err := d.exec(ctx, "notify the watcher itself", "SELECT pg_notify($1, $2)", channel, echo); err != nil {
		return false, err
	}
	waiting, cancel := context.WithTimeout(ctx, watchEcho)
	defer cancel()
	for {
		n, err := conn.WaitForNotification(waiting)
		switch {
		case err != nil && waiting.Err() != nil:
			return false, ctx.Err()
		case err != nil:
			return false, err
		case n.Payload == echo:
			return true, nil
		}
		told.hear(n.Payload)
	}
}

// blind tells every topic again and again, which is dear but never late.
func (d *DB) blind(ctx context.Context, told *pending) error {
	d.log.WarnContext(ctx, "no notification comes through, so everything is read again every second: "+
		"give the database URL of PostgreSQL itself or of a pooler in session mode")
	for {
		if err := pause(ctx, watchBlind); err != nil {
			return err
		}
		told.add(store.Topics()...)
	}
}

func (d *DB) limited(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d.queryTimeout)
	defer cancel()
	return do(ctx)
}

// pending holds each topic once between the connection and a receiver that may be
// slower, so that a thousand changes are told as one.
type pending struct {
	mu     sync.Mutex
	topics []store.Topic
	wake   chan struct{} // holds one
}

func (p *pending) hear(payload string) {
	if topic := store.Topic(payload); slices.Contains(store.Topics(), topic) {
		p.add(topic)
	}
}

func (p *pending) add(topics ...store.Topic) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, topic := range topics {
		if !slices.Contains(p.topics, topic) {
			p.topics = append(p.topics, topic)
		}
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pending) take() (topic store.Topic, some bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.topics) == 0 {
		return "", false
	}
	topic, p.topics = p.topics[0], p.topics[1:]
	return topic, true
}

// pass sends what is pending until ctx ends.
func (p *pending) pass(ctx context.Context, changed chan<- store.Topic) {
	for {
		topic, some := p.take()
		if !some {
			select {
			case <-p.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		select {
		case changed <- topic:
		case <-ctx.Done():
			return
		}
	}
}
