package postgres

import (
	"context"
	"fmt"
	"time"

	"authserver/internal/store"
)

// UseOnce records uses: all of them, or none and a [*store.ReplayedError].
func (d *DB) UseOnce(ctx context.Context, uses ...store.Use) error {
	const doing = "record a use"
	switch len(uses) {
	case 0:
		return nil
	case 1: // nearly always, and simpler to plan
		u := uses[0]
		// DO NOTHING instead of an error, which would fill the log of PostgreSQL.
		n, err := d.execTogether(ctx, doing, useLock(u), `INSERT INTO used_assertions (issuer, id, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			u.Issuer, u.ID[:], orNever(u.ExpiresAt))
		if err == nil && n == 0 {
			return fault(doing, &store.ReplayedError{})
		}
		return err
	}
	return d.using(ctx, doing, useLock(uses[0]), "WITH "+wanted(1)+", "+spent("before.place IS NULL", "before")+" SELECT "+firstReplay, nil, uses)
}

func useLock(u store.Use) string { return "assertion " + u.Issuer + " " + string(u.ID[:]) }

// using runs a statement that also records uses, with parameters after args. It returns the first
// use that was recorded before, 0 for none, or notThere.
func (d *DB) using(ctx context.Context, doing, locks, statement string, args []any, uses []store.Use) error {
	if of, twice := store.Repeated(uses); twice {
		return fault(doing, &store.ReplayedError{Index: of})
	}
	var first int
	err := d.do(ctx, doing, func(ctx context.Context) error {
		return d.pipeline.do(ctx, &call{text: statement, args: append(args, useValues(uses)...), locks: locks, columns: func() []any { return []any{&first} }})
	})
	switch {
	case err != nil:
		return err
	case first < 0:
		return fault(doing, store.ErrNotFound)
	case first > 0:
		return fault(doing, &store.ReplayedError{Index: first - 1})
	}
	return nil
}

// notThere is the result of a statement that records uses if a row that it needs was deleted.
const notThere = "-1"

// useValues are the parameters of [wanted].
func useValues(uses []store.Use) []any {
	issuers, ids, ends := make([]string, len(uses)), make([][]byte, len(uses)), make([]time.Time, len(uses))
	for i, u := range uses {
		issuers[i], ids[i], ends[i] = u.Issuer, u.ID[:], store.At(u.ExpiresAt)
	}
	return []any{issuers, ids, ends}
}

// A statement that records uses begins with the parts "wanted" and "before"; the second has the
// first use that was recorded before. The part "spent" comes when it is decided whether to record
// them. Of two concurrent statements the second waits there for the first.

// wanted reads the uses from the parameters n to n+2.
func wanted(n int) string {
	return fmt.Sprintf(`wanted AS MATERIALIZED (
		SELECT * FROM unnest($%d::text[], $%d::bytea[], $%d::timestamptz[]) WITH ORDINALITY AS w (issuer, id, expires_at, place)
	), before AS MATERIALIZED (
		SELECT min(w.place) AS place FROM wanted w JOIN used_assertions USING (issuer, id)
	)`, n, n+1, n+2)
}

// spent records the uses if a condition on another part holds. It has a fixed order, so that two
// statements never wait for each other.
func spent(where, from string) string {
	return `spent AS (
		INSERT INTO used_assertions (issuer, id, expires_at)
		SELECT w.issuer, w.id, w.expires_at FROM wanted w, ` + from + ` WHERE ` + where + ` ORDER BY w.issuer, w.id
		ON CONFLICT DO NOTHING RETURNING issuer, id
	)`
}

// firstReplay is the position of the first use that was not recorded because it exists already; 0:
// none.
const firstReplay = `coalesce((SELECT place FROM before),
	(SELECT min(w.place) FROM wanted w WHERE NOT EXISTS (SELECT FROM spent s WHERE s.issuer = w.issuer AND s.id = w.id)), 0)`

// AssertionUsed reports whether an assertion was used.
func (d *DB) AssertionUsed(ctx context.Context, issuer string, id [32]byte) (bool, error) {
	return one(ctx, d, "look for the use of an assertion", func(used *bool) []any { return []any{used} },
		`SELECT EXISTS (SELECT 1 FROM used_assertions WHERE issuer = $1 AND id = $2)`, issuer, id[:])
}
