package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"authserver/internal/events"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// A consent counts only for the present client of this name.
const selectConsents = `SELECT c.user_id, c.client_id, c.scopes, c.granted_at, c.until
	FROM consents c JOIN clients k ON k.id = c.client_id AND k.created_at = c.client_created_at`

func consentColumns(c *store.Consent) []any {
	return []any{&c.UserID, &c.ClientID, document[map[string]oauth.Scope]{&c.Scopes}, moment{&c.GrantedAt}, moment{&c.Until}}
}

// Consent returns the consent of a user for a client, or ErrNotFound.
func (d *DB) Consent(ctx context.Context, userID, clientID string) (store.Consent, error) {
	return one(ctx, d, "read a consent", consentColumns, selectConsents+" WHERE c.user_id = $1 AND c.client_id = $2", userID, clientID)
}

// SetConsent adds or replaces a consent: ErrNotFound if the user or the client was deleted, or is
// being deleted.
func (d *DB) SetConsent(ctx context.Context, c store.Consent, by store.Change) error {
	return d.changeBy(ctx, "record a consent", by, func(ctx context.Context, tx pgx.Tx) (store.Event, error) {
		err := execOne(ctx, tx, `INSERT INTO consents (user_id, client_id, client_created_at, scopes, granted_at, until)
			SELECT $1, k.id, k.created_at, $3::jsonb, $4, $5 FROM (SELECT id, created_at FROM clients WHERE id = $2 FOR KEY SHARE) k
			ON CONFLICT (user_id, client_id) DO UPDATE SET client_created_at = excluded.client_created_at, scopes = excluded.scopes,
				granted_at = excluded.granted_at, until = excluded.until`,
			c.UserID, c.ClientID, members(c.Scopes), orNever(c.GrantedAt), orNever(c.Until))
		return events.Consent(by, c.UserID, c.ClientID), err
	})
}

// ListConsents returns consents of a user in the order of their clients.
func (d *DB) ListConsents(ctx context.Context, p store.ConsentPage) ([]store.Consent, error) {
	const doing = "list consents"
	if err := p.Check(); err != nil {
		return nil, fault(doing, err)
	}
	return all(ctx, d, doing, consentColumns, selectConsents+" WHERE c.user_id = $1 AND c.client_id > $2 ORDER BY c.client_id LIMIT $3",
		p.UserID, p.After, p.Limit)
}

// RevokeConsent removes a consent and ends the user's families at the client: ErrNotFound if there
// is neither.
func (d *DB) RevokeConsent(ctx context.Context, userID, clientID string, by store.Change) error {
	return d.changeBy(ctx, "revoke a consent", by, func(ctx context.Context, tx pgx.Tx) (store.Event, error) {
		gone, err := tx.Exec(ctx, "DELETE FROM consents WHERE user_id = $1 AND client_id = $2", userID, clientID)
		if err != nil {
			return store.Event{}, err
		}
		families, err := endFamilies(ctx, tx, by.Voids, "user_id = $6 AND client_id = $7", userID, clientID)
		if err == nil && gone.RowsAffected() == 0 && families == 0 {
			err = store.ErrNotFound
		}
		if err == nil {
			err = deliver(ctx, tx, by, clientID, `SELECT s.id, s.user_id FROM sessions s JOIN users u ON u.id = s.user_id
				WHERE s.user_id = $3 AND s.user_not_before >= u.not_before AND s.ended_at IS NULL`, userID)
		}
		return events.Consent(by, userID, clientID), err
	})
}
