package clientauth

import (
	"context"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// SecretPost is client_secret_post: identifier and secret in the body
// (RFC 6749 §2.3.1).
type SecretPost struct{ Secrets Secrets }

// Name implements [Method].
func (SecretPost) Name() oauth.AuthMethod { return oauth.AuthPost }

// Credentials implements [Method].
func (SecretPost) Credentials(r Request) ([]Credentials, error) {
	if !r.Form.Has("client_secret") {
		return nil, nil
	}
	if !r.Form.Has("client_id") && len(r.Authorization) == 0 {
		return nil, oauth.Fail(oauth.InvalidRequest, "client_id_missing", "client_secret is given without client_id")
	}
	return []Credentials{{ClientID: r.Form.Get("client_id"), Secrets: []string{r.Form.Get("client_secret")}}}, nil
}

// Verify implements [Method].
func (m SecretPost) Verify(ctx context.Context, client store.Client, presented Credentials, now time.Time) (Outcome, error) {
	return m.Secrets.match(ctx, client, presented, now)
}
