package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Userinfo returns the claims of the person to a client with the person's access token (Core §5.3).
// With warm caches it makes no query.
type Userinfo struct {
	Issuer   string
	Verifier *tokens.Verifier
	View     interface {
		Revoked(ctx context.Context, c tokens.Claims) (bool, error)
	}
	Clients store.Clients
	Users   interface {
		User(ctx context.Context, id string) (store.User, error)
	}
	Signer    Signer
	Encrypter *Encrypter
	Pairwise  *tokens.Pairwise
}

// Token checks the access token. A refusal comes with the claims, if this server made them, for the
// log. It is an [oauth.Error] with InvalidToken, or with InsufficientScope if the token is valid
// but not for UserInfo.
func (i *Userinfo) Token(ctx context.Context, now time.Time, token string) (tokens.Claims, error) {
	claims, err := i.Verifier.Verify(now, token)
	if err != nil {
		return tokens.Claims{}, refuseToken("access_token_refused").Because(err)
	}
	revoked, err := i.View.Revoked(ctx, claims)
	if err != nil {
		return tokens.Claims{}, fmt.Errorf("look up whether the token is revoked: %w", err)
	}
	if revoked {
		return claims, refuseToken("access_token_revoked")
	}
	// Only the token of a sign-in has auth_time. The subject of another token may equal the id of a
	// user by chance.
	if _, signedIn := claims.All["auth_time"]; !signedIn || !claims.Scope().Has("openid") {
		return claims, oauth.Fail(oauth.InsufficientScope, "userinfo_scope", "the token needs the scope openid from a sign-in")
	}
	return claims, nil
}

// Info is an answer of UserInfo.
type Info struct {
	Claims map[string]any
	JWT    string // the claims, signed or encrypted or both, if the client is registered for that; "": it is not
}

// Client returns the client that a token was issued to.
func (i *Userinfo) Client(ctx context.Context, token tokens.Claims) (store.Client, error) {
	client, err := i.Clients.Client(ctx, token.ClientID)
	if errors.Is(err, store.ErrNotFound) || err == nil && client.Disabled {
		return store.Client{}, refuseToken("access_token_client")
	}
	if err != nil {
		return store.Client{}, fmt.Errorf("look up the client: %w", err)
	}
	return client, nil
}

// Answer returns the claims that a verified token gives to its client (§5.3.2).
func (i *Userinfo) Answer(ctx context.Context, now time.Time, client store.Client, token tokens.Claims) (Info, error) {
	user, err := i.Users.User(ctx, token.Subject)
	if errors.Is(err, store.ErrNotFound) || err == nil && user.Disabled {
		return Info{}, refuseToken("access_token_user")
	}
	if err != nil {
		return Info{}, fmt.Errorf("look up the user: %w", err)
	}
	claims := claimsOf(user, token.Scope().Intersect(client.Scopes), Granted(namedIn(token), client.Scopes))
	if claims["sub"], err = i.Pairwise.Subject(client.PairwiseSector(), user.ID); err != nil {
		return Info{}, err
	}
	jwt, err := i.protect(now, client, claims)
	return Info{Claims: claims, JWT: jwt}, err
}

// protect signs the claims, encrypts them, or does both, signing first, as the client is
// registered (§5.3.2).
func (i *Userinfo) protect(now time.Time, client store.Client, claims map[string]any) (jwt string, err error) {
	if client.UserinfoAlg != "" {
		claims["iss"], claims["aud"] = i.Issuer, client.ID // §5.3.2: SHOULD
		if jwt, err = i.Signer.Sign(now, client.UserinfoAlg, tokens.PlainType, client.ID, claims); err != nil {
			return "", err
		}
	}
	switch {
	case client.UserinfoEncryptionAlg == "":
		return jwt, nil
	case jwt != "":
		return i.Encrypter.userinfo(client, []byte(jwt), false)
	}
	content, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode the claims of userinfo: %w", err)
	}
	return i.Encrypter.userinfo(client, content, true)
}

// namedIn returns the claims that the token names for userinfo (§5.5).
func namedIn(token tokens.Claims) []string {
	var names []string
	list, _ := token.All["userinfo_claims"].([]any)
	for _, one := range list {
		if name, is := one.(string); is {
			names = append(names, name)
		}
	}
	return names
}

// refuseToken is the same answer to every invalid token, for any reason.
func refuseToken(reason string) *oauth.Error {
	return oauth.Fail(oauth.InvalidToken, reason, "the access token is invalid, has expired or was revoked: get another one")
}
