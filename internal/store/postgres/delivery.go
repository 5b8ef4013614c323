package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

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

// participants are the clients of sessions, whose alias is s.
const participants = `(SELECT f.client_id FROM refresh_families f WHERE f.session_id = s.id
	UNION SELECT k.client_id FROM session_clients k WHERE k.session_id = s.id)`

// livingSessions are the sessions of the user $3, whose NotBefore is $4, that did not end.
const livingSessions = "SELECT id, user_id FROM sessions WHERE user_id = $3 AND user_not_before >= $4 AND ended_at IS NULL"

// untold are the sessions $3, except those whose clients got a logout token before, when their user
// changed.
const untold = "SELECT s.id, s.user_id FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = ANY ($3) AND s.user_not_before >= u.not_before"

// everyClient is a client for deliver: all of them.
const everyClient = ""

// deliver adds a delivery for a client, or each client, of the sessions that a query for id and
// user_id picks, by the parameters from $3 on. A client with a pending delivery for the session
// gets no second one. A client with a finished delivery gets another, because the session may have
// continued with a new password.
func deliver(ctx context.Context, tx pgx.Tx, by store.Change, client, sessions string, args ...any) error {
	_, err := tx.Exec(ctx, `INSERT INTO deliveries AS d (id, client_id, user_id, session_id, created_at, due_at)
		SELECT authserver_event_id($1), c.id, s.user_id, s.id, $1, $1
		FROM (`+sessions+`) s CROSS JOIN LATERAL `+participants+` p JOIN clients c ON c.id = p.client_id
		WHERE ($2 = '' OR c.id = $2) AND c.document ->> 'backchannel_logout_uri' <> '' AND c.document ->> 'disabled' IS NULL
		ORDER BY s.id, c.id
		ON CONFLICT (session_id, client_id) DO UPDATE SET id = excluded.id, created_at = excluded.created_at,
				due_at = excluded.due_at, attempts = 0, fault = NULL, ended_at = NULL, delivered = false
			WHERE d.ended_at IS NOT NULL`, append([]any{orNever(by.At), client}, args...)...)
	return err
}

// ClaimDeliveries takes deliveries that are due. It skips those that another server takes at this
// moment.
func (d *DB) ClaimDeliveries(ctx context.Context, now, again store.Moment, limit int) ([]store.Delivery, error) {
	const doing = "claim deliveries"
	if err := store.CheckClaim(now, again, limit); err != nil {
		return nil, fault(doing, err)
	}
	return all(ctx, d, doing, deliveryColumns, `WITH due AS MATERIALIZED (
			SELECT id FROM deliveries WHERE due_at <= $1 AND ended_at IS NULL ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED
		), claimed AS (
			UPDATE deliveries d SET due_at = $2, attempts = d.attempts + 1 FROM due WHERE d.id = due.id RETURNING d.*
		)
		SELECT `+deliveryNames+" FROM claimed d ORDER BY d.id", orNever(now), orNever(again), limit)
}

// SettleDelivery records the result of an attempt.
func (d *DB) SettleDelivery(ctx context.Context, of store.Delivery, by store.Change) error {
	return d.changeWhere(ctx, "settle a delivery", by, func(ctx context.Context, tx pgx.Tx) (store.Event, bool, error) {
		settled, err := tx.Exec(ctx, `UPDATE deliveries SET due_at = $3, fault = $4, ended_at = $5, delivered = $6
			WHERE id = $1 AND attempts = $2 AND ended_at IS NULL`,
			of.ID, of.Attempts, orNever(of.DueAt), orNull(of.Fault), orNever(of.EndedAt), of.Delivered)
		undelivered := settled.RowsAffected() > 0 && !of.EndedAt.IsZero() && !of.Delivered
		return events.Delivery(by, of), undelivered, err
	})
}

// ListDeliveries returns deliveries in the order of their IDs.
func (d *DB) ListDeliveries(ctx context.Context, p store.DeliveryPage) ([]store.Delivery, error) {
	const doing = "list deliveries"
	if err := p.Check(); err != nil {
		return nil, fault(doing, err)
	}
	return all(ctx, d, doing, deliveryColumns, "SELECT "+deliveryNames+" FROM deliveries d WHERE $1 = '' OR d.id > nullif($1, '')::uuid ORDER BY d.id LIMIT $2", p.After, p.Limit)
}

// JoinSession adds a client that takes part in a session: ErrNotFound if the session has ended.
func (d *DB) JoinSession(ctx context.Context, id store.SessionID, clientID string) error {
	return d.change(ctx, "join a session", func(ctx context.Context, tx pgx.Tx) error {
		return execOne(ctx, tx, `INSERT INTO session_clients AS k (session_id, client_id, expires_at)
			SELECT id, $2, expires_at FROM sessions WHERE id = $1 AND ended_at IS NULL FOR SHARE
			ON CONFLICT (session_id, client_id) DO UPDATE SET expires_at = excluded.expires_at`, id[:], clientID)
	})
}

// SessionClients returns the clients that took part in a session.
func (d *DB) SessionClients(ctx context.Context, id store.SessionID) ([]string, error) {
	return all(ctx, d, "list the clients of a session", func(c *string) []any { return []any{c} },
		"SELECT p.client_id FROM (SELECT $1::bytea AS id) s CROSS JOIN LATERAL "+participants+" p ORDER BY p.client_id", id[:])
}
