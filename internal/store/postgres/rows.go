package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"authserver/internal/store"
)

// one reads the only row of a query, or returns ErrNotFound.
func one[T any](ctx context.Context, d *DB, doing string, columns func(*T) []any, query string, args ...any) (T, error) {
	var row T
	err := d.do(ctx, doing, func(ctx context.Context) error {
		row = *new(T) // a document is read into a row that has none
		return d.pool.QueryRow(ctx, query, args...).Scan(columns(&row)...)
	})
	if err != nil {
		var none T
		return none, err
	}
	return row, nil
}

// all reads the rows of a query.
func all[T any](ctx context.Context, d *DB, doing string, columns func(*T) []any, query string, args ...any) ([]T, error) {
	var list []T
	err := d.do(ctx, doing, func(ctx context.Context) error {
		rows, err := d.pool.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		list = nil
		for rows.Next() {
			var row T
			if err := rows.Scan(columns(&row)...); err != nil {
				return err
			}
			list = append(list, row)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// listing lists the rows of a noun: those of the query, in the order of key. Page.Search searches
// the columns of searched. In the collation C, lower changes only ASCII.
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
	where, args := l.key+" > $1", []any{p.After, p.Limit}
	if p.Search != "" {
		var found []string
		for _, column := range l.searched {
			found = append(found, "position(lower($3::text COLLATE \"C\") IN lower("+column+" COLLATE \"C\")) > 0")
		}
		where += " AND (" + strings.Join(found, " OR ") + ")"
		args = append(args, p.Search)
	}
	return all(ctx, d, l.doing, l.columns, l.query+" WHERE "+where+" ORDER BY "+l.key+" LIMIT $2", args...)
}

// execOne runs a statement that must change a row, or returns ErrNotFound.
func execOne(ctx context.Context, tx pgx.Tx, statement string, args ...any) error {
	tag, err := tx.Exec(ctx, statement, args...)
	if err == nil && tag.RowsAffected() == 0 {
		return store.ErrNotFound
	}
	return err
}

// replace updates a row with a version. If it changed none, it returns ErrNotFound if the query for
// the id has no row, and otherwise ErrConflict.
func replace(ctx context.Context, tx pgx.Tx, query, id, update string, args ...any) error {
	err := execOne(ctx, tx, update, args...)
	if err != store.ErrNotFound { //nolint:errorlint // of execOne itself, and not of the server
		return err
	}
	return moved(ctx, tx, query, id)
}

// moved says why an update changed no row: ErrNotFound if the query has none, and otherwise
// ErrConflict.
func moved(ctx context.Context, tx pgx.Tx, query string, args ...any) error {
	var there bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS ("+query+")", args...).Scan(&there); err != nil {
		return err
	}
	if there {
		return store.ErrConflict
	}
	return store.ErrNotFound
}
