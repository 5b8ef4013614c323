package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"authserver/internal/events"
	"authserver/internal/store"
)

const eventNames = "id, at, type, actor_type, actor_id, client_id, user_id, family, request_id, once, details"

const insertEvent = `INSERT INTO events (` + eventNames + `)
	VALUES (authserver_event_id($1), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb) ON CONFLICT DO NOTHING`

// eventValues are the parameters 1 to 10 of insertEvent.
func eventValues(e store.Event) []any {
	return []any{
		orNever(e.At), string(e.Type), string(e.Actor.Type), e.Actor.ID, orNull(e.ClientID), orNull(e.UserID), orNull(e.Family),
		orNull(e.RequestID), orNull(e.Once), asJSON{e.Details},
	}
}

func eventRow(e *store.Event) []any {
	return []any{
		&e.ID, moment{&e.At}, (*string)(&e.Type), (*string)(&e.Actor.Type), &e.Actor.ID, text{&e.ClientID}, text{&e.UserID},
		text{&e.Family}, text{&e.RequestID}, document[store.EventDetails]{&e.Details},
	}
}

// changeBy runs a step in a transaction, and records the event that it returns in it.
func (d *DB) changeBy(ctx context.Context, doing string, by store.Change, step func(context.Context, pgx.Tx) (store.Event, error)) error {
	return d.changeWhere(ctx, doing, by, func(ctx context.Context, tx pgx.Tx) (store.Event, bool, error) {
		e, err := step(ctx, tx)
		return e, true, err
	})
}

// changeWhere is changeBy for a step that may find nothing to change, and reports that.
func (d *DB) changeWhere(ctx context.Context, doing string, by store.Change, step func(context.Context, pgx.Tx) (store.Event, bool, error)) error {
	if err := by.Check(); err != nil {
		return fault(doing, err)
	}
	return d.change(ctx, doing, func(ctx context.Context, tx pgx.Tx) error {
		e, changed, err := step(ctx, tx)
		if err != nil || !changed {
			return err
		}
		return record(ctx, tx, e)
	})
}

func record(ctx context.Context, tx pgx.Tx, e store.Event) error {
	_, err := tx.Exec(ctx, insertEvent, eventValues(e)...)
	return err
}

// optional reports whether a query for one row found it.
func optional(err error) (found bool, _ error) {
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// locked reads the row that a transaction is about to change. The lock does not block transactions
// that refer to the row.
func locked[T any](ctx context.Context, tx pgx.Tx, columns func(*T) []any, query string, args ...any) (*T, error) {
	row := new(T)
	if err := tx.QueryRow(ctx, query+" FOR NO KEY UPDATE", args...).Scan(columns(row)...); err != nil {
		return nil, err
	}
	return row, nil
}

// RecordEvent adds an event, unless its Once is taken.
func (d *DB) RecordEvent(ctx context.Context, e store.Event) error {
	return d.exec(ctx, "record an event", insertEvent, eventValues(e)...)
}

// ListEvents returns events in the order of their IDs.
func (d *DB) ListEvents(ctx context.Context, f store.EventFilter) ([]store.Event, error) {
	const doing = "list events"
	if err := f.Page().Check(); err != nil {
		return nil, fault(doing, err)
	}
	after := f.After
	if after == "" {
		after = events.Before(store.Moment{})
	}
	order := "id"
	if f.Newest {
		order = "id DESC"
	}
	return all(ctx, d, doing, eventRow, `SELECT id::text, at, type, actor_type, actor_id, client_id, user_id, family, request_id, details
		FROM (
			SELECT * FROM events WHERE id > $1::uuid AND ($2::timestamptz IS NULL OR at >= $2)
				AND ($3::text IS NULL OR client_id = $3) AND ($4::text IS NULL OR user_id = $4) AND ($5::text IS NULL OR family = $5)
				AND ($6::text IS NULL OR request_id = $6) AND ($7::text IS NULL OR actor_type = $7) AND ($8::text IS NULL OR actor_id = $8)
				AND ($9::text IS NULL OR type = $9 OR starts_with(type, $9 || '.'))
			ORDER BY `+order+` LIMIT $10
		) e ORDER BY e.id`,
		after, orNever(f.Since), orNull(f.ClientID), orNull(f.UserID), orNull(f.Family), orNull(f.RequestID),
		orNull(string(f.Actor.Type)), orNull(f.Actor.ID), orNull(f.Type), f.Limit)
}

// SweepEvents removes events from before a moment, unless another replica sweeps.
func (d *DB) SweepEvents(ctx context.Context, before store.Moment, limit int) (removed int, err error) {
	err = d.sweeping(ctx, sweepLock, func(ctx context.Context, tx pgx.Tx) error {
		gone, err := tx.Exec(ctx, `DELETE FROM events WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM events WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))`, orNever(before), limit)
		removed = int(gone.RowsAffected())
		return err
	})
	return removed, err
}
