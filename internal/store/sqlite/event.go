package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"

	"authserver/internal/events"
	"authserver/internal/store"
)

func eventRow(e *store.Event) []any {
	return []any{
		&e.ID, moment{&e.At}, (*string)(&e.Type), (*string)(&e.Actor.Type), &e.Actor.ID, text{&e.ClientID}, text{&e.UserID},
		text{&e.Family}, text{&e.RequestID}, nullable[store.EventDetails]{&e.Details},
	}
}

// changeBy runs a step in a transaction, and records the event that it returns in it.
func (d *DB) changeBy(ctx context.Context, doing string, by store.Change, step func(context.Context, *transaction) (store.Event, error)) error {
	return d.changeWhere(ctx, doing, by, func(ctx context.Context, tx *transaction) (store.Event, bool, error) {
		e, err := step(ctx, tx)
		return e, true, err
	})
}

// changeWhere is changeBy for a step that may find nothing to change, and reports that.
func (d *DB) changeWhere(ctx context.Context, doing string, by store.Change, step func(context.Context, *transaction) (store.Event, bool, error)) error {
	if err := by.Check(); err != nil {
		return fault(doing, err)
	}
	return d.change(ctx, doing, func(ctx context.Context, tx *transaction) error {
		e, changed, err := step(ctx, tx)
		if err != nil || !changed {
			return err
		}
		return record(ctx, tx, e)
	})
}

func record(ctx context.Context, tx *transaction, e store.Event) error {
	id, err := events.NewID(e.At, *tx.events, rand.Reader)
	if err != nil {
		return err
	}
	*tx.events++
	_, err = tx.exec(ctx, `INSERT INTO events (id, at, type, actor_type, actor_id, client_id, user_id, family, request_id, once, details)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (once) DO NOTHING`,
		id, micros(e.At), string(e.Type), string(e.Actor.Type), e.Actor.ID, orNull(e.ClientID), orNull(e.UserID), orNull(e.Family),
		orNull(e.RequestID), orNull(e.Once), asJSON{e.Details})
	return err
}

// optional reports whether a query for one row found it.
func optional(err error) (found bool, _ error) {
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// read reads the row that a transaction is about to change.
func read[T any](ctx context.Context, tx *transaction, columns func(*T) []any, query string, args ...any) (*T, error) {
	row := new(T)
	if err := tx.row(ctx, query, args...).Scan(columns(row)...); err != nil {
		return nil, err
	}
	return row, nil
}

// RecordEvent adds an event, unless its Once is taken.
func (d *DB) RecordEvent(ctx context.Context, e store.Event) error {
	return d.change(ctx, "record an event", func(ctx context.Context, tx *transaction) error { return record(ctx, tx, e) })
}

// ListEvents returns events in the order of their IDs.
func (d *DB) ListEvents(ctx context.Context, f store.EventFilter) ([]store.Event, error) {
	const doing = "list events"
	if err := f.Page().Check(); err != nil {
		return nil, fault(doing, err)
	}
	order := "id"
	if f.Newest {
		order = "id DESC"
	}
	return all(ctx, d, doing, eventRow, `SELECT id, at, type, actor_type, actor_id, client_id, user_id, family, request_id, details
		FROM (
			SELECT * FROM events WHERE id > ?1 AND (?2 IS NULL OR at >= ?2)
				AND (?3 IS NULL OR client_id = ?3) AND (?4 IS NULL OR user_id = ?4) AND (?5 IS NULL OR family = ?5)
				AND (?6 IS NULL OR request_id = ?6) AND (?7 IS NULL OR actor_type = ?7) AND (?8 IS NULL OR actor_id = ?8)
				AND (?9 IS NULL OR type = ?9 OR substr(type, 1, length(?9) + 1) = ?9 || '.')
			ORDER BY `+order+` LIMIT ?10
		) ORDER BY id`,
		f.After, micros(f.Since), orNull(f.ClientID), orNull(f.UserID), orNull(f.Family), orNull(f.RequestID),
		orNull(string(f.Actor.Type)), orNull(f.Actor.ID), orNull(f.Type), f.Limit)
}

// SweepEvents removes events from before a moment.
func (d *DB) SweepEvents(ctx context.Context, before store.Moment, limit int) (int, error) {
	removed, err := d.sweepRows(ctx, "sweep events", `DELETE FROM events WHERE id IN (
		SELECT id FROM events WHERE at < ? ORDER BY at LIMIT ?)`, micros(before), min(limit, sweepStep))
	return int(removed), err
}
