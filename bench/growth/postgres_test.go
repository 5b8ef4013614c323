package growth

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"authserver/internal/store/postgres"
	"authserver/test/pgtest"
)

func openPostgres(tb testing.TB, ctx context.Context, rows int) *database {
	tb.Helper()
	url := pgtest.URL(tb)
	s, err := postgres.Open(ctx, postgres.Options{URL: url, MaxConns: 16})
	ok(tb, err)
	tb.Cleanup(s.Close)
	d := &database{engine: "PostgreSQL", rows: rows, Store: s}
	d.fill = func(ctx context.Context, now time.Time) error { return fillPostgres(ctx, url, rows, now) }
	d.about = func(ctx context.Context) (about string, err error) {
		err = session(ctx, url, func(conn *pgx.Conn) error {
			return conn.QueryRow(ctx, `SELECT format('PostgreSQL %s, shared_buffers %s, fsync %s',
				split_part(current_setting('server_version'), ' ', 1), current_setting('shared_buffers'), current_setting('fsync'))`).Scan(&about)
		})
		return about, err
	}
	d.parts = func(ctx context.Context) ([]part, error) { return postgresParts(ctx, url) }
	d.updates = func(ctx context.Context) (updates, error) { return postgresUpdates(ctx, url) }
	return d
}

// copyBatch is the number of rows that are copied in one transaction.
const copyBatch = 20_000

// fillPostgres copies rows into the unchanged schema, with indexes and checks. Triggers are off
// meanwhile: the rows are consistent, and no server watches.
func fillPostgres(ctx context.Context, url string, rows int, now time.Time) error {
	group, copying := errgroup.WithContext(ctx)
	for table, columns := range map[string][]string{
		"users": {"id", "username", "email", "password_hash", "document", "disabled",
			"not_before", "version", "created_at", "updated_at"},
		"refresh_families": {"id", "client_id", "user_id", "scope", "resources", "generation", "created_at", "client_not_before",
			"user_not_before", "rotated_at", "idle_expires_at", "expires_at", "sweep_at"},
		"revocations": {"kind", "value", "voids_before", "expires_at", "reason", "xid"},
	} {
		group.Go(func() error { return copyTable(copying, url, table, columns, rows, now) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("fill PostgreSQL: %w", err)
	}
	return session(ctx, url, func(conn *pgx.Conn) error {
		for _, statement := range []string{
			"VACUUM ANALYZE",
			"CREATE EXTENSION IF NOT EXISTS pg_prewarm", // after a copy, little of a table is in the buffers
			"SELECT pg_prewarm(oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')",
		} {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

func copyTable(ctx context.Context, url, table string, columns []string, rows int, now time.Time) error {
	return session(ctx, url, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "SET session_replication_role = replica"); err != nil {
			return err
		}
		for from := 0; from < rows; from += copyBatch {
			err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
				var xid uint64
				if err := tx.QueryRow(ctx, "SELECT pg_current_xact_id()::text::bigint").Scan(&xid); err != nil {
					return err
				}
				_, err := tx.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromSlice(min(copyBatch, rows-from),
					func(i int) ([]any, error) { return postgresRow(table, from+i, now, xid), nil }))
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func postgresRow(table string, i int, now time.Time, xid uint64) []any {
	switch table {
	case "users":
		u := user(i, now)
		return []any{u.ID, u.Username, u.Email, u.PasswordHash, `{"roles":["reader"]}`, false,
			u.NotBefore, u.Version, u.CreatedAt, u.UpdatedAt}
	case "refresh_families":
		f := family(i, now)
		return []any{f.ID[:], f.ClientID, f.UserID, []string(f.Scope), f.Resources, int64(f.Generation), f.CreatedAt, f.ClientNotBefore,
			f.UserNotBefore, f.RotatedAt, f.IdleExpiresAt, f.ExpiresAt, f.IdleExpiresAt}
	default:
		r := revocation(i, now)
		return []any{string(r.Kind), r.Value, r.Before, r.ExpiresAt, r.Reason, xid}
	}
}

func postgresParts(ctx context.Context, url string) (parts []part, err error) {
	err = session(ctx, url, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `SELECT t.relname, c.relname, CASE c.relkind WHEN 'r' THEN pg_table_size(c.oid) ELSE pg_relation_size(c.oid) END
			FROM pg_class t JOIN (SELECT indrelid AS owner, indexrelid AS oid FROM pg_index UNION ALL SELECT oid, oid FROM pg_class WHERE relkind = 'r') p
				ON p.owner = t.oid JOIN pg_class c ON c.oid = p.oid
			WHERE t.relname IN ('users', 'refresh_families', 'revocations') ORDER BY t.relname, c.relkind DESC, c.relname`)
		if err != nil {
			return err
		}
		parts, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p part, err error) {
			err = row.Scan(&p.table, &p.name, &p.bytes)
			return p, err
		})
		return err
	})
	return parts, err
}

// postgresUpdates reads the counters of the server.
func postgresUpdates(ctx context.Context, url string) (u updates, err error) {
	err = session(ctx, url, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT n_tup_upd, n_tup_hot_upd, n_dead_tup FROM pg_stat_user_tables WHERE relname = 'refresh_families'").
			Scan(&u.all, &u.hot, &u.dead)
	})
	return u, err
}

func session(ctx context.Context, url string, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	return do(conn)
}
