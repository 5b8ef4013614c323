package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// maxTogether is the largest number of calls in a round trip: the first of them waits for the last.
const maxTogether = 64

// shareWait is how long a call waits to share the next round trip while one is under way. After
// that it gets a connection of its own.
const shareWait = 2 * time.Millisecond

// boundLocks bounds how long calls in one round trip wait for a row that another transaction has
// locked. After that each call gets its own transaction. The setting ends with their transaction.
const boundLocks = "SELECT set_config('lock_timeout', '100ms', true)"

// pipeline sends single statements. Those that come while a round trip is under way share the next
// one, and so one commit, because the wait for the network and the disk is longer than their work.
// A call that waits for longer, because a row is locked or the network is slow, takes another
// connection.
type pipeline struct {
	// send carries out calls. If it reports that they were refused together, none of them was done,
	// and alone carries out each.
	send  func(ctx context.Context, calls []*call) (refused bool)
	alone func(*call)
	most  int // round trips at once

	mu        sync.Mutex
	queue     []*call
	running   int
	lateStart *time.Timer // starts another round trip
}

// call is a single statement.
type call struct {
	text string
	args []any
	// locks is what the statement locks. Calls that share a transaction lock in its order, so that
	// two of these never wait for each other. The other locked rows, those of uses, are new for
	// each request; if not, boundLocks separates the calls.
	locks string
	// columns are the destinations of the columns of its row; nil: it has none.
	columns func() []any
	changed int64 // rows

	ctx   context.Context //nolint:containedctx // of the caller, for what is begun anew alone
	err   error
	taken atomic.Bool   // by the sender, or by a caller who gives up
	done  chan struct{} // closed when changed and err are there
}

// do sends a call. If ctx ends before that, the call is never sent.
func (p *pipeline) do(ctx context.Context, c *call) error {
	c.ctx, c.done = ctx, make(chan struct{})
	p.mu.Lock()
	p.queue = append(p.queue, c)
	switch {
	case p.running == 0:
		p.start(ctx)
	case len(p.queue) == 1 && p.running < p.most:
		p.lateStart = time.AfterFunc(shareWait, func() { p.startLate(ctx) })
	}
	p.mu.Unlock()
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		if c.taken.CompareAndSwap(false, true) {
			return &notSent{fmt.Errorf("wait for the round trip before: %w", ctx.Err())}
		}
		<-c.done
		return c.err
	}
}

// start works off the queue on one more connection. The caller holds the lock.
func (p *pipeline) start(ctx context.Context) {
	p.running++
	go p.run(context.WithoutCancel(ctx))
}

// startLate starts another round trip for calls that have waited too long.
func (p *pipeline) startLate(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) > 0 && p.running < p.most {
		p.start(ctx)
	}
}

// run works off the queue until it is empty.
func (p *pipeline) run(ctx context.Context) {
	for next := p.take(); len(next) > 0; next = p.take() {
		refused := false
		guarded(next, func() { refused = p.send(ctx, next) })
		for _, c := range next {
			if !refused {
				close(c.done)
				continue
			}
			go func() { // so that no other call waits for the refused ones, or for their locks
				guarded([]*call{c}, func() { p.alone(c) })
				close(c.done)
			}()
		}
	}
}

// guarded turns a panic into an error, because no request handler recovers it here.
func guarded(calls []*call, send func()) {
	defer func() {
		if r := recover(); r != nil {
			for _, c := range calls {
				c.err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
			}
		}
	}()
	send()
}

// take returns the next calls, and notes that run ends if there are none. From now on their callers
// wait for them.
func (p *pipeline) take() []*call {
	runtime.Gosched() // requests that are about to ask share the round trip
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lateStart != nil {
		p.lateStart.Stop()
	}
	var next []*call
	for len(p.queue) > 0 && len(next) < maxTogether {
		if c := p.queue[0]; c.taken.CompareAndSwap(false, true) {
			next = append(next, c)
		}
		p.queue = p.queue[1:]
	}
	if len(next) == 0 {
		p.queue = nil
		p.running--
	}
	slices.SortStableFunc(next, func(a, b *call) int { return cmp.Compare(a.locks, b.locks) })
	return next
}

// sendTogether carries out calls in one round trip and one transaction. If one of them fails, or
// waits for a lock, PostgreSQL undoes all of them.
func (d *DB) sendTogether(ctx context.Context, calls []*call) (refused bool) {
	if len(calls) == 1 {
		d.sendAlone(calls[0])
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, d.queryTimeout)
	defer cancel()
	batch := &pgx.Batch{}
	batch.Queue(boundLocks)
	for _, c := range calls {
		batch.Queue(c.text, c.args...)
	}
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		for _, c := range calls {
			c.err = &notSent{err}
		}
		return false
	}
	defer conn.Release()
	results := conn.SendBatch(ctx, batch)
	defer func() { _ = results.Close() }() // a second Close, which only matters after a panic
	_, _ = results.Exec()                  // its error affects the other statements too
	for _, c := range calls {
		if c.columns != nil {
			c.err = results.QueryRow().Scan(c.columns()...)
			continue
		}
		tag, err := results.Exec()
		c.changed, c.err = tag.RowsAffected(), err
	}
	err = results.Close() // only Close reports the commit
	if pgErr := (*pgconn.PgError)(nil); errors.As(err, &pgErr) {
		return true
	}
	if err != nil {
		for _, c := range calls {
			c.err = err
		}
	}
	return false
}

func (d *DB) sendAlone(c *call) {
	conn, err := d.pool.Acquire(c.ctx)
	if err != nil {
		c.err = &notSent{err}
		return
	}
	defer conn.Release()
	if c.columns != nil {
		c.err = conn.QueryRow(c.ctx, c.text, c.args...).Scan(c.columns()...)
		return
	}
	tag, err := conn.Exec(c.ctx, c.text, c.args...)
	c.changed, c.err = tag.RowsAffected(), err
}

// execTogether is exec for statements of many concurrent requests. locks is that of [call].
func (d *DB) execTogether(ctx context.Context, doing, locks, statement string, args ...any) (changed int64, err error) {
	err = d.do(ctx, doing, func(ctx context.Context) error {
		c := &call{text: statement, args: args, locks: locks}
		err := d.pipeline.do(ctx, c)
		changed = c.changed
		return err
	})
	return changed, err
}
