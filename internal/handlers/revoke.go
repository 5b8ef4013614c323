package handlers

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/tokens"
)

// revokedByClient is the reason of what a client revokes.
const revokedByClient = "revoked_by_client"

// revoke is POST /oauth2/revoke (RFC 7009). A refresh token takes its family and
// the family's access tokens with it; an access token goes alone.
func (h *Handlers) revoke(w http.ResponseWriter, r *http.Request, n *note) error {
	outcome, err := h.revocation(r, n)
	if err != nil {
		_, refused := classify(err)
		h.Metrics.Revocation(string(refused.Code))
		return err
	}
	n.outcome = outcome
	h.Metrics.Revocation(outcome)
	// RFC 7009 §2.2: for a token that was not good, too. The client looks at the status
	// alone, and yet there are libraries that parse what comes with it as JSON.
	writeSecret(w, struct{}{})
	return nil
}

func (h *Handlers) revocation(r *http.Request, n *note) (string, error) {
	form, err := readForm(r, n)
	if err != nil {
		return "", err
	}
	who, leave, err := h.enter(r, KindRevocation, form, n)
	defer leave()
	if err != nil {
		return "", err
	}
	if who.Client == nil {
		return "", clientRequired()
	}
	token := form.Get("token")
	if token == "" {
		return "", oauth.Fail(oauth.InvalidRequest, "token_missing", "token is required")
	}
	find := h.findAccess
	switch {
	case strings.HasPrefix(token, tokens.RefreshPrefix):
		find = h.findRefresh
	case tokens.IsEncrypted(token):
		find = h.findEncrypted
	}
	revoke, err := find(r.Context(), *who.Client, token, n)
	if err != nil {
		return "", err
	}
	if err := h.useUp(r.Context(), who); err != nil {
		return "", err
	}
	if revoke == nil {
		return telemetry.Ignored, nil // RFC 7009 §2.2: invalid tokens do not cause an error
	}
	return telemetry.Revoked, revoke()
}

// findEncrypted returns what revokes an access token that only its resource can read, by
// the handle that its header has. The header of a token that another server made has none,
// or one of a key that was ended. The client is told that nothing was revoked (RFC 7009
// §2.2.1).
func (h *Handlers) findEncrypted(ctx context.Context, client store.Client, token string, _ *note) (func() error, error) {
	handle, err := h.Handles.Find(token)
	switch {
	case err != nil:
		return nil, oauth.Fail(oauth.UnsupportedTokenType, "token_encrypted",
			"the token is encrypted and this server does not recognise it: revoke the signed token inside it, or the refresh token").Because(err)
	case !handle.IssuedTo(client):
		return nil, notYours()
	case !h.Now().Before(handle.ExpiresAt):
		return nil, nil //nolint:nilnil // it is not good, which is no error
	}
	return func() error { return h.Revoker.Token(ctx, handle.ID, handle.ExpiresAt, revokedByClient) }, nil
}

// findAccess returns what revokes an access token, nil where there is nothing to revoke.
func (h *Handlers) findAccess(ctx context.Context, client store.Client, token string, n *note) (func() error, error) {
	claims, err := h.Verifier.Verify(h.Now(), token)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // it is not good, which is no error
	}
	n.subject = claims.Subject
	if !claims.IssuedTo(client) {
		return nil, notYours()
	}
	return func() error { return h.Revoker.Token(ctx, claims.ID, claims.ExpiresAt, revokedByClient) }, nil
}

// findRefresh returns what revokes the family of a refresh token, nil where there is
// nothing to revoke.
func (h *Handlers) findRefresh(ctx context.Context, client store.Client, token string, n *note) (func() error, error) {
	presented, err := h.Refresh.Decode(token)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // it is not good, which is no error
	}
	n.family = hex.EncodeToString(presented.Family[:])
	family, err := h.Families.Family(ctx, presented.Family)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // it is gone already
	}
	if err != nil {
		return nil, fmt.Errorf("look up the refresh token: %w", err)
	}
	n.subject = family.UserID
	if family.ClientID != client.ID {
		return nil, notYours()
	}
	return func() error { return h.Revoker.Family(ctx, family.ID, revokedByClient) }, nil
}

// notYours tells a client that nothing was revoked (RFC 7009 §2.1: if the token
// was not issued to the client, the request is refused and the client informed).
func notYours() *oauth.Error {
	return oauth.Fail(oauth.UnauthorizedClient, "token_of_another_client", "the token was issued to another client: only that one can revoke it")
}
