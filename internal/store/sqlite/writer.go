package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxTogether is the largest number of writes in a transaction: the first of them waits for the
// last.
const maxTogether = 64

// writer is the connection that writes. Writes that come while another transaction goes to the disk
// share the next one, because the wait for the disk is longer than their work. Each of them is
// still done completely or not at all.
type writer struct {
	*pool
	files *files

	mu      sync.Mutex
	queue   []*write
	running bool // a caller works off the queue

	events uint // the number of recorded events, which is the order of those of one moment
}

// errCommit reports that a transaction may have been committed or not.
var errCommit = errors.New("the commit failed")

// write is the call of one caller.
type write struct {
	step  func(context.Context, *transaction) error
	alone bool        // in its transaction
	taken atomic.Bool // by run, or by a caller who gives up
	done  chan error  // gets one
}

// do runs a step, and returns when it is committed or undone. If ctx ends before the step has
// begun, it never begins.
func (w *writer) do(ctx context.Context, step func(context.Context, *transaction) error) error {
	return w.enter(ctx, &write{step: step, done: make(chan error, 1)})
}

// doAlone is do for a step whose failure must not undo the writes of others.
func (w *writer) doAlone(ctx context.Context, step func(context.Context, *transaction) error) error {
	return w.enter(ctx, &write{step: step, alone: true, done: make(chan error, 1)})
}

func (w *writer) enter(ctx context.Context, mine *write) error {
	w.mu.Lock()
	w.queue = append(w.queue, mine)
	if !w.running {
		w.running = true
		go w.run(context.WithoutCancel(ctx))
	}
	w.mu.Unlock()
	select {
	case err := <-mine.done:
		return err
	case <-ctx.Done():
		if mine.taken.CompareAndSwap(false, true) {
			return fmt.Errorf("wait for the write lock: %w", ctx.Err())
		}
		return <-mine.done
	}
}

// run works off the queue. Its context never ends, so that a caller who leaves does not undo the
// writes of others. Only waiting for the lock could take long.
func (w *writer) run(ctx context.Context) {
	for w.wanted() {
		runtime.Gosched() // requests that are about to write share the transaction: a refresh takes 7 % less
		tx, err := w.begin(ctx)
		switch {
		case err == nil:
			w.carryOut(ctx, tx)
		case isBusy(err):
			time.Sleep(lockPoll)
		default:
			for _, failed := range w.take() {
				failed.done <- err
			}
		}
	}
}

func (w *writer) begin(ctx context.Context) (*sql.Tx, error) {
	if err := w.files.check(); err != nil {
		return nil, err
	}
	return w.BeginTx(ctx, nil)
}

// wanted drops the writes whose callers gave up, and reports whether there are others. If there are
// none, run ends.
func (w *writer) wanted() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := w.queue[:0]
	for _, waiting := range w.queue {
		if !waiting.taken.Load() {
			left = append(left, waiting)
		}
	}
	clear(w.queue[len(left):])
	w.queue = left
	w.running = len(left) > 0
	return w.running
}

// take returns the next writes. From now on their callers wait for them.
func (w *writer) take() []*write {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.queue), maxTogether)
	if i := slices.IndexFunc(w.queue[:n], func(waiting *write) bool { return waiting.alone }); i >= 0 {
		n = max(i, 1)
	}
	var next []*write
	for _, waiting := range w.queue[:n] {
		if waiting.taken.CompareAndSwap(false, true) {
			next = append(next, waiting)
		}
	}
	w.queue = append([]*write(nil), w.queue[n:]...)
	return next
}

// carryOut runs the waiting writes, in a transaction that holds the lock.
func (w *writer) carryOut(ctx context.Context, tx *sql.Tx) {
	writes := w.take()
	w.asked.Add(1)
	t := &transaction{Tx: tx, writer: w.pool, prepared: map[string]*sql.Stmt{}, events: &w.events}
	results := make([]error, len(writes))
	var broken error
	for i, each := range writes {
		if results[i], broken = t.attempt(ctx, each.step, len(writes) > 1); broken != nil {
			break
		}
	}
	if broken != nil || len(writes) == 1 && results[0] != nil {
		_ = tx.Rollback() // SQLite may have rolled back by itself
	} else if err := errors.Join(tx.Commit(), w.files.committed()); err != nil {
		broken = fmt.Errorf("%w: %w", errCommit, err)
	}
	for i, each := range writes {
		each.done <- errors.Join(results[i], broken)
	}
	t.prepareMissed(ctx)
}

// attempt runs a step and undoes it if it fails. If others share the transaction, it undoes only
// the step, and broken is the reason why it cannot.
func (t *transaction) attempt(ctx context.Context, step func(context.Context, *transaction) error, others bool) (failed, broken error) {
	if !others {
		return guarded(ctx, step, t), nil
	}
	if _, err := t.exec(ctx, "SAVEPOINT step"); err != nil {
		return nil, err
	}
	if failed = guarded(ctx, step, t); failed != nil {
		if _, err := t.exec(ctx, "ROLLBACK TO step"); err != nil {
			return failed, err
		}
	}
	_, broken = t.exec(ctx, "RELEASE step")
	return failed, broken
}

// guarded turns a panic into an error, because others share the transaction.
func guarded(ctx context.Context, step func(context.Context, *transaction) error, t *transaction) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return step(ctx, t)
}
