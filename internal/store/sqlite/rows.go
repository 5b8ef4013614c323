package sqlite

import (
	"context"
	"strings"

	"authserver/internal/store"
)

// one reads the only row of a query, or returns ErrNotFound.
func one[T any](ctx context.Context, d *DB, doing string, columns func(*T) []any, query string, args ...any) (T, error) {
	ctx, cancel := d.bound(ctx)
	defer cancel()
	var row, none T
	if err := d.files.check(); err != nil {
		return none, fault(doing, err)
	}
	s, err := d.read.prepare(ctx, query) //nolint:sqlclosecheck // it is kept for the next call
	if err == nil {
		d.read.asked.Add(1)
		err = s.QueryRowContext(ctx, args...).Scan(columns(&row)...)
	}
	if err != nil {
		return none, fault(doing, err)
	}
	return row, nil
}

// all reads the rows of a query.
func all[T any](ctx context.Context, d *DB, doing string, columns func(*T) []any, query string, args ...any) ([]T, error) {
	ctx, cancel := d.bound(ctx)
	defer cancel()
	if err := d.files.check(); err != nil {
		return nil, fault(doing, err)
	}
	rows, err := d.read.query(ctx, query, args...)
	if err != nil {
		return nil, fault(doing, err)
	}
	defer func() { _ = rows.Close() }()
	var list []T
	for rows.Next() {
		var row T
		if err := rows.Scan(columns(&row)...); err != nil {
			return nil, fault(doing, err)
		}
		list = append(list, row)
	}
	return list, fault(doing, rows.Err())
}

// listing lists the rows of a noun: those of the query, in the order of key. Page.Search searches
// the columns of searched. SQLite's lower changes only ASCII.
type listing[T any] struct {
	doing    string
	columns  func(*T) []any
	query    string
	key      string
	searched []string
}

func (l listing[T]) page(ctx context.Context, d *DB, p store.Page) ([]T, error) {
	if err := p.Check(); err != nil {
		return nil, fault(l.doing, err)
	}
	where, args := l.key+" > ?1", []any{p.After, p.Limit}
	if p.Search != "" {
		var found []string
		for _, column := range l.searched {
			found = append(found, "instr(lower("+column+"), lower(?3)) > 0")
		}
		where += " AND (" + strings.Join(found, " OR ") + ")"
		args = append(args, p.Search)
	}
	return all(ctx, d, l.doing, l.columns, l.query+" WHERE "+where+" ORDER BY "+l.key+" LIMIT ?2", args...)
}

// allOf reads the rows of a query in a transaction.
func allOf[T any](ctx context.Context, tx *transaction, columns func(*T) []any, query string, args ...any) ([]T, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var list []T
	for rows.Next() {
		var row T
		if err := rows.Scan(columns(&row)...); err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

// exists reports whether a query has a row.
func exists(ctx context.Context, tx *transaction, query string, args ...any) (bool, error) {
	var yes bool
	err := tx.row(ctx, "SELECT EXISTS ("+query+")", args...).Scan(&yes)
	return yes, err
}

// moved says why an update of a row with a version changed none: ErrNotFound if the query has no
// row, and otherwise ErrConflict.
func moved(ctx context.Context, tx *transaction, query string, args ...any) error {
	there, err := exists(ctx, tx, query, args...)
	switch {
	case err != nil:
		return err
	case there:
		return store.ErrConflict
	}
	return store.ErrNotFound
}
