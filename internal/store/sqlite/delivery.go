package sqlite

import (
	"context"
	"crypto/rand"

	"authserver/internal/events"
	"authserver/internal/store"
)

const deliveryNames = "d.id, d.client_id, d.user_id, d.session_id, d.created_at, d.due_at, d.attempts, d.fault, d.ended_at, d.delivered"

func deliveryColumns(d *store.Delivery) []any {
	return []any{
		&d.ID, &d.ClientID, &d.UserID, sessionID{&d.SessionID}, moment{&d.CreatedAt}, moment{&d.DueAt}, &d.Attempts, text{&d.Fault},
		moment{&d.EndedAt}, &d.Delivered,
	}
}

// participants are the clients of the session ?1.
const participants = "SELECT client_id FROM refresh_families WHERE session_id = ?1 UNION SELECT client_id FROM session_clients WHERE session_id = ?1"

// livingSessions are the sessions of the user ?1, whose NotBefore is ?2, that did not end.
const livingSessions = "SELECT id, user_id FROM sessions WHERE user_id = ?1 AND user_not_before >= ?2 AND ended_at IS NULL"

// untold is the session ?1, unless its clients got a logout token before, when its user changed.
const untold = "SELECT s.id, s.user_id FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = ?1 AND s.user_not_before >= u.not_before"

// everyClient is a client for deliver: all of them.
const everyClient = ""

// deliver adds a delivery for a client, or each client, of the sessions that a query for id and
// user_id picks. A client with a pending delivery for the session gets no second one. A client with
// a finished delivery gets another, because the session may have continued with a new password.
func deliver(ctx context.Context, tx *transaction, by store.Change, client, sessions string, args ...any) error {
	ended, err := allOf(ctx, tx, func(s *store.Session) []any { return []any{sessionID{&s.ID}, &s.UserID} }, sessions, args...)
	if err != nil {
		return err
	}
	for _, s := range ended {
		clients, err := allOf(ctx, tx, func(c *string) []any { return []any{c} }, `SELECT id FROM clients
			WHERE id IN (`+participants+`) AND (?2 = '' OR id = ?2) AND document ->> 'backchannel_logout_uri' <> '' AND document ->> 'disabled' IS NULL ORDER BY id`, s.ID[:], client)
		if err != nil {
			return err
		}
		for _, client := range clients {
			if err := deliverTo(ctx, tx, by, s, client); err != nil {
				return err
			}
		}
	}
	return nil
}

func deliverTo(ctx context.Context, tx *transaction, by store.Change, s store.Session, client string) error {
	id, err := events.NewID(by.At, *tx.events, rand.Reader)
	if err != nil {
		return err
	}
	*tx.events++
	_, err = tx.exec(ctx, `INSERT INTO deliveries AS d (id, client_id, user_id, session_id, created_at, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)
		ON CONFLICT (session_id, client_id) DO UPDATE SET id = excluded.id, created_at = excluded.created_at,
				due_at = excluded.due_at, attempts = 0, fault = NULL, ended_at = NULL, delivered = 0
			WHERE d.ended_at IS NOT NULL`, id, client, s.UserID, s.ID[:], micros(by.At))
	return err
}

// ClaimDeliveries takes deliveries that are due. It reads first, so that usually, with none due, no
// other process waits for it.
func (d *DB) ClaimDeliveries(ctx context.Context, now, again store.Moment, limit int) ([]store.Delivery, error) {
	const doing = "claim deliveries"
	if err := store.CheckClaim(now, again, limit); err != nil {
		return nil, fault(doing, err)
	}
	const due = "FROM deliveries d WHERE d.due_at <= ?1 AND d.ended_at IS NULL"
	some, err := one(ctx, d, doing, func(some *bool) []any { return []any{some} }, "SELECT EXISTS (SELECT 1 "+due+")", micros(now))
	if err != nil || !some {
		return nil, err
	}
	var claimed []store.Delivery
	err = d.change(ctx, doing, func(ctx context.Context, tx *transaction) (err error) {
		claimed, err = allOf(ctx, tx, deliveryColumns, "SELECT "+deliveryNames+" "+due+" ORDER BY d.due_at, d.id LIMIT ?2", micros(now), limit)
		for i := range claimed {
			c := &claimed[i]
			c.DueAt, c.Attempts = again, c.Attempts+1
			if err == nil {
				_, err = tx.exec(ctx, "UPDATE deliveries SET due_at = ?2, attempts = ?3 WHERE id = ?1", c.ID, micros(c.DueAt), c.Attempts)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// SettleDelivery records the result of an attempt.
func (d *DB) SettleDelivery(ctx context.Context, of store.Delivery, by store.Change) error {
	return d.changeWhere(ctx, "settle a delivery", by, func(ctx context.Context, tx *transaction) (store.Event, bool, error) {
		settled, err := tx.exec(ctx, `UPDATE deliveries SET due_at = ?3, fault = ?4, ended_at = ?5, delivered = ?6
			WHERE id = ?1 AND attempts = ?2 AND ended_at IS NULL`,
			of.ID, of.Attempts, micros(of.DueAt), orNull(of.Fault), micros(of.EndedAt), of.Delivered)
		undelivered := settled > 0 && !of.EndedAt.IsZero() && !of.Delivered
		return events.Delivery(by, of), undelivered, err
	})
}

// ListDeliveries returns deliveries in the order of their IDs.
func (d *DB) ListDeliveries(ctx context.Context, p store.DeliveryPage) ([]store.Delivery, error) {
	const doing = "list deliveries"
	if err := p.Check(); err != nil {
		return nil, fault(doing, err)
	}
	return all(ctx, d, doing, deliveryColumns, "SELECT "+deliveryNames+" FROM deliveries d WHERE d.id > ?1 ORDER BY d.id LIMIT ?2", p.After, p.Limit)
}

// JoinSession adds a client that takes part in a session: ErrNotFound if the session has ended.
func (d *DB) JoinSession(ctx context.Context, id store.SessionID, clientID string) error {
	return d.change(ctx, "join a session", func(ctx context.Context, tx *transaction) error {
		joined, err := tx.exec(ctx, `INSERT INTO session_clients (session_id, client_id, expires_at)
			SELECT id, ?2, expires_at FROM sessions WHERE id = ?1 AND ended_at IS NULL
			ON CONFLICT (session_id, client_id) DO UPDATE SET expires_at = excluded.expires_at`, id[:], clientID)
		if err == nil && joined == 0 {
			err = store.ErrNotFound
		}
		return err
	})
}

// SessionClients returns the clients that took part in a session.
func (d *DB) SessionClients(ctx context.Context, id store.SessionID) ([]string, error) {
	return all(ctx, d, "list the clients of a session", func(c *string) []any { return []any{c} },
		participants+" ORDER BY client_id", id[:])
}
