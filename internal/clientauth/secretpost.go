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

// Claims implements [Method].
func (SecretPost) Claims(r Request) ([]Claim, error) {
	if !r.Form.Has("client_secret") {
		return nil, nil
	}
	if !r.Form.Has("client_id") && len(r.Authorization) == 0 {
		return nil, oauth.Fail(oauth.InvalidRequest, "client_id_missing", "client_secret is given without client_id")
	}
	return []Claim{{ClientID: r.Form.Get("client_id"), Secrets: []string{r.Form.Get("client_secret")}}}, nil
}

// Prove implements [Method].
func (m SecretPost) Prove(ctx context.Context, client store.Client, claim Claim, now time.Time) (Proof, error) {
	return m.Secrets.match(ctx, client, claim.Secrets, now)
}
