package tokens

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"authserver/internal/jose"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// Introspector decides whether tokens are active, and what a client may learn about them (RFC
// 7662). For an access token it makes no query.
type Introspector struct {
	Issuer   string
	Verifier *Verifier
	Handles  *Handles
	View     *View
	Refresh  *RefreshCodec
	Pairwise *Pairwise
	Families interface {
		Family(ctx context.Context, id store.FamilyID) (store.Family, error)
	}
	Users interface {
		User(ctx context.Context, id string) (store.User, error)
	}
	Now   func() time.Time
	Clock store.Clock // that Now reads
}

// Introspection is the content of an answer. It is not Active if the token is invalid, or if the
// client may not introspect it (RFC 7662 §2.2).
type Introspection struct {
	Active    bool
	TokenType string // how an access token is used; "": it is a refresh token
	Username  string // of its user; "": it has none, or it is not known just now
	Claims    []byte // a JSON object without any of "active", "token_type" and "username"
	About     About  // of a token that is not active: for the log, but not for the client
}

// Introspect answers the client that a token was issued to and, for an access token, the resources
// of its audience too. An error means that there is no answer. The form of a token tells which kind
// it is; token_type_hint is only ever a hint. An encrypted token of this server that is not known
// to be void is an [oauth.Error].
func (i *Introspector) Introspect(ctx context.Context, client store.Client, token string) (Introspection, error) {
	switch {
	case strings.HasPrefix(token, RefreshPrefix):
		return i.refresh(ctx, client, token)
	case jose.IsEncrypted(token):
		return i.encrypted(ctx, token)
	}
	return i.access(ctx, client, token)
}

func (i *Introspector) access(ctx context.Context, client store.Client, token string) (Introspection, error) {
	claims, err := i.Verifier.Verify(i.Now(), token)
	if err != nil {
		return Introspection{About: invalidity(claims, err)}, nil // RFC 7662 §2.2: an invalid token is not an error
	}
	revoked, err := i.View.Revoked(ctx, claims)
	if err != nil {
		return Introspection{}, fmt.Errorf("look up whether the token is revoked: %w", err)
	}
	own := claims.IssuedTo(client) && claims.Parsed.OfClient(client.NotBefore)
	switch {
	case revoked:
		return Introspection{About: claims.About().because(tokenRevoked)}, nil
	case !own && !claims.ServedBy(client):
		return Introspection{About: claims.About().because(tokenNotForYou)}, nil
	}
	found := Introspection{Active: true, TokenType: oauth.Bearer, Claims: claims.Payload}
	if claims.Confirmation().JKT != "" { // RFC 9449 §6.2
		found.TokenType = oauth.DPoP
	}
	// A username would reveal what a pairwise subject hides.
	if claims.Subject != claims.ClientID && !claims.Pairwise {
		// The token is active even without the name.
		if user, err := i.Users.User(ctx, claims.Subject); err == nil {
			found.Username = user.Username
		}
	}
	return found, nil
}

// encrypted refuses a token that only its resource can read. Its handle contains neither the
// subject nor the audience, so an answer would be a guess: "inactive" would tell an API to refuse a
// good token. Without an error, the token is invalid, or another server made it.
func (i *Introspector) encrypted(ctx context.Context, token string) (Introspection, error) {
	handle, err := i.Handles.Find(token)
	if err != nil {
		return Introspection{About: About{Reason: tokenEncrypted}}, nil //nolint:nilerr // RFC 7662 §2.2: a token that is not good is no error
	}
	found := Claims{ID: handle.ID, Parsed: handle.Parsed}
	if !i.Now().Before(handle.ExpiresAt) {
		return Introspection{About: found.About().because(tokenExpired)}, nil
	}
	revoked, err := i.View.Revoked(ctx, found)
	if err != nil {
		return Introspection{}, fmt.Errorf("look up whether the token is revoked: %w", err)
	}
	if revoked {
		return Introspection{About: found.About().because(tokenRevoked)}, nil
	}
	return Introspection{}, oauth.Fail(oauth.InvalidRequest, "introspect_encrypted",
		"the token is encrypted to its resource, and this server cannot read it: decrypt it, and send the signed token inside")
}

// ServedBy reports whether the token is for a resource that the client serves.
func (c Claims) ServedBy(client store.Client) bool {
	return slices.ContainsFunc(c.Audience, func(aud string) bool { return slices.Contains(client.Serves, aud) })
}

// refreshClaims are the claims of a refresh token in an answer.
type refreshClaims struct {
	ClientID  string `json:"client_id"`
	Issuer    string `json:"iss"`
	Subject   string `json:"sub"`
	Scope     string `json:"scope"`
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp"`
}

func (i *Introspector) refresh(ctx context.Context, client store.Client, token string) (Introspection, error) {
	presented, err := i.Refresh.Decode(token)
	if err != nil {
		return Introspection{About: About{Reason: refreshForged}}, nil //nolint:nilerr // RFC 7662 §2.2: a token that is not good is no error
	}
	about := About{Family: presented.Family}
	family, err := i.Families.Family(ctx, presented.Family)
	if errors.Is(err, store.ErrNotFound) {
		return Introspection{About: about.because(refreshUnknown)}, nil
	}
	if err != nil {
		return Introspection{}, fmt.Errorf("look up the refresh token: %w", err)
	}
	revoked, err := i.View.RevokedFamily(ctx, family)
	if err != nil {
		return Introspection{}, fmt.Errorf("look up whether the refresh token is revoked: %w", err)
	}
	about.Subject = family.UserID
	user, err := i.Users.User(ctx, family.UserID)
	if errors.Is(err, store.ErrNotFound) {
		return Introspection{About: about.because(refreshUnknown)}, nil
	}
	if err != nil {
		return Introspection{}, fmt.Errorf("look up the user: %w", err)
	}
	outcome := family.Outcome(store.Presented{
		Generation: presented.Generation, User: user, ClientNotBefore: client.NotBefore, Now: store.At(i.Now()), Clock: i.Clock,
	})
	if reason := inactive(family.ClientID == client.ID, revoked, outcome); reason != "" {
		about.Username = user.Username
		about.RevokedAt, about.Revocation = family.Ended(user, family.ClientNotBefore)
		return Introspection{About: about.because(reason)}, nil
	}
	expires := family.IdleExpiresAt
	if family.ExpiresAt.Before(expires) {
		expires = family.ExpiresAt
	}
	sector, username := client.PairwiseSector(), user.Username
	if sector != "" {
		username = ""
	}
	subject, err := i.Pairwise.Subject(sector, family.UserID)
	if err != nil {
		return Introspection{}, err
	}
	claims, err := json.Marshal(refreshClaims{
		ClientID: family.ClientID, Issuer: i.Issuer, Subject: subject, Scope: family.Scope.String(),
		IssuedAt: family.CreatedAt.Unix(), ExpiresAt: expires.Unix(),
	})
	return Introspection{Active: true, Username: username, Claims: claims}, err
}

// inactive returns why a refresh token is not active; "": it is.
func inactive(own, revoked bool, outcome store.Outcome) string {
	switch {
	case !own:
		return refreshOthers
	case revoked || outcome == store.Revoked:
		return refreshRevoked
	case outcome == store.Expired:
		return refreshExpired
	case outcome != store.Rotated:
		return refreshExchanged
	}
	return ""
}
