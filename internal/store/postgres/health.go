package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"authserver/internal/store"
)

// troubleLasts is how long a failed call counts against the database: the probe may find space in
// its own table although another table has none.
const troubleLasts = 10 * time.Second

// trouble is a failed call whose cause the next call will meet too.
type trouble struct{ cause error }

// lasting reports whether an SQLSTATE has such a cause: disk_full, a system error (58), or a schema
// that is not ours.
func lasting(code string) bool {
	return code == "53100" || strings.HasPrefix(code, "58") || notOurSchema(code)
}

// note makes CheckWritable fail for some time after a call that failed for such a reason.
func (d *DB) note(err error) {
	var e *pgconn.PgError
	if !errors.As(err, &e) || !lasting(e.Code) {
		return
	}
	t := &trouble{err}
	d.trouble.Store(t)
	time.AfterFunc(troubleLasts, func() { d.trouble.CompareAndSwap(t, nil) })
}

// CheckWritable probes the database. If the probe finds no fault, a call that failed a short time
// ago still counts. The probe comes first, because it names all faults.
func (d *DB) CheckWritable(ctx context.Context) error {
	const doing = "check that the database takes writes"
	if err := d.try(ctx, doing, d.probe); err != nil {
		return err
	}
	if t := d.trouble.Load(); t != nil {
		return fault(doing, fmt.Errorf("a call failed less than %v ago: %w", troubleLasts, t.cause))
	}
	return nil
}

// probe writes 16 KiB and deletes them again, in one transaction and one round trip. That is more
// than a request writes, and PostgreSQL does not compress it.
func (d *DB) probe(ctx context.Context) error {
	id := rand.Text()
	batch := &pgx.Batch{}
	batch.Queue(`SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool,
		ARRAY(SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(quote_ident(name)) IS NULL)`, d.tables)
	batch.Queue("INSERT INTO probes (id, content) VALUES ($1, repeat('x', 16384))", id)
	batch.Queue("DELETE FROM probes WHERE id = $1", id)
	results := d.pool.SendBatch(ctx, batch)
	defer func() { _ = results.Close() }() // a second Close, if the first was not reached
	var readOnly bool
	var missing []string
	switch err := results.QueryRow().Scan(&readOnly, &missing); {
	case err != nil:
		return err
	case readOnly:
		return fmt.Errorf("%w: the server is read-only", store.ErrUnavailable)
	case len(missing) > 0:
		return fmt.Errorf("tables are missing: %s", strings.Join(missing, ", "))
	}
	for range batch.Len() - 1 {
		if _, err := results.Exec(); err != nil {
			return err
		}
	}
	return results.Close() // only Close reports the commit
}
