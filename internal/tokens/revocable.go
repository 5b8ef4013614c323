package tokens

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"authserver/internal/jose"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// Revocables finds what to revoke for a client (RFC 7009). Revoking a refresh token revokes its
// family and the family's access tokens; revoking an access token revokes only that one.
type Revocables struct {
	Verifier *Verifier
	Refresh  *RefreshCodec
	Handles  *Handles
	Families interface {
		Family(ctx context.Context, id store.FamilyID) (store.Family, error)
	}
	Revoker *Revoker
	Now     func() time.Time
}

// Revocable is the token that a client wants to revoke.
type Revocable struct {
	About About
	// Revoke revokes it; nil: the token is invalid, which is not an error (RFC 7009 §2.2).
	Revoke func() error
}

// Find finds a token, by its form, for a client and the id of its request. Its error is an
// [oauth.Error] if the client may not revoke the token. What the log needs comes with an error too.
func (f *Revocables) Find(ctx context.Context, client store.Client, requestID, token string) (Revocable, error) {
	switch {
	case strings.HasPrefix(token, RefreshPrefix):
		return f.refresh(ctx, client, requestID, token)
	case jose.IsEncrypted(token):
		return f.encrypted(ctx, client, token)
	}
	return f.access(ctx, client, token)
}

// encrypted finds an access token that only its resource can read, by the handle in its header. The
// header of a token of another server has no handle, or one of a key that was ended. Then the
// client gets to know that nothing was revoked (RFC 7009 §2.2.1).
func (f *Revocables) encrypted(ctx context.Context, client store.Client, token string) (Revocable, error) {
	handle, err := f.Handles.Find(token)
	if err != nil {
		return Revocable{}, oauth.Fail(oauth.UnsupportedTokenType, "token_encrypted",
			"the token is encrypted and this server does not recognise it: revoke the signed token inside it, or the refresh token").Because(err)
	}
	found := Revocable{About: About{ID: handle.ID, Family: handle.Parsed.Family}}
	switch {
	case !handle.IssuedTo(client):
		return found, wrongClient()
	case f.Now().Before(handle.ExpiresAt):
		found.Revoke = func() error { return f.Revoker.Token(ctx, store.EndedByClient, handle.ID, handle.ExpiresAt) }
	default:
		found.About.Reason = tokenExpired
	}
	return found, nil
}

func (f *Revocables) access(ctx context.Context, client store.Client, token string) (Revocable, error) {
	claims, err := f.Verifier.Verify(f.Now(), token)
	if err != nil {
		return Revocable{About: invalidity(claims, err)}, nil // an invalid token is not an error
	}
	found := Revocable{About: claims.About()}
	if !claims.IssuedTo(client) {
		return found, wrongClient()
	}
	found.Revoke = func() error { return f.Revoker.Token(ctx, store.EndedByClient, claims.ID, claims.ExpiresAt) }
	return found, nil
}

func (f *Revocables) refresh(ctx context.Context, client store.Client, requestID, token string) (Revocable, error) {
	presented, err := f.Refresh.Decode(token)
	if err != nil {
		return Revocable{About: About{Reason: refreshForged}}, nil //nolint:nilerr // it is not good, which is no error
	}
	found := Revocable{About: About{Family: presented.Family}}
	family, err := f.Families.Family(ctx, presented.Family)
	if errors.Is(err, store.ErrNotFound) {
		found.About.Reason = refreshUnknown
		return found, nil // it is deleted already
	}
	if err != nil {
		return found, fmt.Errorf("look up the refresh token: %w", err)
	}
	found.About.Subject = family.UserID
	if family.ClientID != client.ID {
		return found, wrongClient()
	}
	by := By{Actor: store.Actor{Type: store.ActorClient, ID: client.ID}, RequestID: requestID, Reason: store.EndedByClient}
	found.Revoke = func() error { return f.Revoker.Family(ctx, by, family.ID) }
	return found, nil
}

// wrongClient informs a client that nothing was revoked (RFC 7009 §2.1: if the token was not issued
// to the client, the request is refused and the client informed).
func wrongClient() *oauth.Error {
	return oauth.Fail(oauth.UnauthorizedClient, "token_of_another_client", "the token was issued to another client: only that one can revoke it")
}
