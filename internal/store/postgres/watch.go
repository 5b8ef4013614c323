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

	"authserver/internal/store"
)

// channel is the channel of the triggers' notifications.
const channel = "authserver"

// How long a watcher waits after it lost its connection, doubling from the first to the last; how
// often it sends every topic if no notification arrives; and after how many times it logs that.
const (
	watchFirstPause = 100 * time.Millisecond
	watchLastPause  = 10 * time.Second
	watchBlind      = 900 * time.Millisecond
	watchSilent     = 3
)

// Watch listens on a connection of its own, until ctx ends.
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

// listen connects and passes on notifications, until the connection is lost.
func (d *DB) listen(ctx context.Context, told *pending, connected func()) (err error) {
	conn, err := pgx.ConnectConfig(ctx, d.session.Copy())
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		err = errors.Join(err, conn.Close(closing))
	}()
	asking, cancel := context.WithTimeout(ctx, d.queryTimeout)
	_, err = conn.Exec(asking, "LISTEN "+channel)
	cancel()
	if err != nil {
		return err
	}
	told.add(store.Topics()...)
	// PgBouncer in transaction mode accepts a LISTEN and never delivers a notification. Only a
	// missing echo shows that.
	echo := "echo " + rand.Text()
	if err := d.exec(ctx, "notify the watcher itself", "SELECT pg_notify($1, $2)", channel, echo); err != nil {
		return err
	}
	connected()
	return d.hear(ctx, conn, echo, told)
}

// hear sends the topics of notifications. Until it has received the echo, it sends every topic
// again and again, which is expensive but never late.
func (d *DB) hear(ctx context.Context, conn *pgx.Conn, echo string, told *pending) error {
	for heard, silent := false, 0; ; {
		waiting, cancel := ctx, context.CancelFunc(func() {})
		if !heard {
			waiting, cancel = context.WithTimeout(ctx, watchBlind)
		}
		n, err := conn.WaitForNotification(waiting)
		late := waiting.Err() != nil && ctx.Err() == nil
		cancel()
		if n != nil {
			heard = heard || n.Payload == echo
			told.hear(n.Payload)
		}
		if err == nil {
			continue
		}
		if !late {
			return err
		}
		told.add(store.Topics()...)
		if silent++; silent == watchSilent {
			d.log.WarnContext(ctx, "no notification comes through, so everything is read again and again: "+
				"give the database URL of PostgreSQL itself, or of a pooler in session mode")
		}
	}
}

// pending holds each topic once between the connection and a slower receiver, so that a thousand
// changes become one notification.
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

func (p *pending) take() (topic store.Topic, ok bool) {
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
		topic, ok := p.take()
		if !ok {
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
