package sqlite

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
)

// pool has connections and their prepared statements: parsing a statement costs more than running
// it. The texts are constants, so they are few.
type pool struct {
	*sql.DB
	mu       sync.RWMutex
	prepared map[string]*sql.Stmt
	asked    atomic.Int64 // transactions, and statements outside of one
}

func (p *pool) preparedStatement(text string) *sql.Stmt {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.prepared[text]
}

// prepare asks for a connection, so it has no place inside a transaction.
func (p *pool) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := p.preparedStatement(text); s != nil {
		return s, nil
	}
	s, err := p.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.prepared[text]; first != nil {
		return first, s.Close() //nolint:sqlclosecheck // only the one that comes second is closed
	}
	p.prepared[text] = s
	return s, nil
}

func (p *pool) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	s, err := p.prepare(ctx, text) //nolint:sqlclosecheck // it is kept for the next call
	if err != nil {
		return nil, err
	}
	p.asked.Add(1)
	return s.QueryContext(ctx, args...)
}

// transaction is a transaction of the writer. A statement that is not prepared yet runs unprepared,
// and is prepared when the connection is free again.
type transaction struct {
	*sql.Tx
	writer   *pool
	prepared map[string]*sql.Stmt // those of the writer, within this transaction
	missed   []string
	events   *uint // how many the writer has recorded
}

func (t *transaction) stmt(ctx context.Context, text string) *sql.Stmt {
	if s := t.prepared[text]; s != nil {
		return s
	}
	s := t.writer.preparedStatement(text)
	if s == nil {
		t.missed = append(t.missed, text)
		return nil
	}
	s = t.StmtContext(ctx, s)
	t.prepared[text] = s
	return s
}

func (t *transaction) prepareMissed(ctx context.Context) {
	for _, text := range t.missed {
		if _, err := t.writer.prepare(ctx, text); err != nil { //nolint:sqlclosecheck // it is kept for the next call
			return // the statement runs unprepared, and the next call tries again
		}
	}
}

// exec runs a statement and returns the number of rows that it changed.
func (t *transaction) exec(ctx context.Context, text string, args ...any) (int64, error) {
	var result sql.Result
	var err error
	if s := t.stmt(ctx, text); s != nil { //nolint:sqlclosecheck // it goes with the transaction
		result, err = s.ExecContext(ctx, args...)
	} else {
		result, err = t.ExecContext(ctx, text, args...)
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row runs a query for one row.
func (t *transaction) row(ctx context.Context, text string, args ...any) *sql.Row {
	if s := t.stmt(ctx, text); s != nil { //nolint:sqlclosecheck // it goes with the transaction
		return s.QueryRowContext(ctx, args...)
	}
	return t.QueryRowContext(ctx, text, args...)
}

// change runs step in a transaction that holds the write lock from its beginning (BEGIN IMMEDIATE),
// and commits if step returns nil.
func (d *DB) change(ctx context.Context, doing string, step func(context.Context, *transaction) error) error {
	ctx, cancel := d.bound(ctx)
	defer cancel()
	return fault(doing, d.write.do(ctx, step))
}

// RoundTrips returns the number of transactions, and of statements outside of one.
func (d *DB) RoundTrips() int64 { return d.read.asked.Load() + d.write.asked.Load() }
