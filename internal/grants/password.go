package grants

import (
	"context"
	"errors"
	"fmt"
	"io"

	"authserver/internal/attempts"
	"authserver/internal/logins"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Password is the grant for users who give the client their password (RFC 6749 §4.3).
// RFC 9700 §2.4 advises against it; a client has to be registered for it.
type Password struct {
	Issuing
	Login    logins.Password
	Families interface {
		CreateFamily(ctx context.Context, f store.Family, uses ...store.Use) error
	}
	Refresh *tokens.RefreshCodec
	Clock   store.ClockID // that requests read Now from
	Rand    io.Reader
}

// Type implements [Grant].
func (*Password) Type() oauth.GrantType { return oauth.Password }

// NeedsClient implements [Grant].
func (*Password) NeedsClient() bool { return true }

// Exchange implements [Grant]. It reads the user from the database, and writes the family if the
// client may refresh.
func (g *Password) Exchange(ctx context.Context, r Request) (Answer, error) {
	if !r.Form.Has("username") || !r.Form.Has("password") { // RFC 6749 §4.3.2
		return Answer{}, oauth.Fail(oauth.InvalidRequest, "credentials_missing", "username and password are required")
	}
	// Refusals that do not depend on the user come before the costly comparison.
	target, scope, err := g.resolveTarget(ctx, r)
	if err != nil {
		return Answer{}, err
	}
	if err := g.Minter.Ready(r.Now, target.Alg); err != nil {
		return Answer{}, fmt.Errorf("prepare to sign: %w", err)
	}
	user, err := g.Login.Authenticate(ctx, logins.Attempt{
		Username: r.Form.Get("username"), Password: r.Form.Get("password"), RequestID: r.RequestID,
		From: attempts.Origin{Share: r.From, Backend: !r.Client.Public()},
	})
	if err != nil {
		return ofUser(&user).about(), err
	}
	access := forUser(target, scope, *r.Client, user)
	if r.Client.May(oauth.RefreshToken) {
		return g.begin(ctx, r, user, target, access)
	}
	return g.issueOnce(ctx, r, access)
}

// begin starts a refresh token family, once its first tokens are there. A refusal comes with an
// Answer that has the user, for the log.
func (g *Password) begin(ctx context.Context, r Request, user store.User, target Target, access draft) (Answer, error) {
	family := store.Family{
		ClientID:   r.Client.ID,
		UserID:     user.ID,
		Scope:      access.Scope,
		Resources:  target.Resources,
		Generation: 1,
		CreatedAt:  store.At(r.Now),

		ClientNotBefore: r.Client.NotBefore,
		UserNotBefore:   user.NotBefore,

		ExpiresAt: store.At(r.Now.Add(r.Client.RefreshMax)),
		BoundTo:   r.familyKey(),
		CreatedBy: g.Clock, RotatedBy: g.Clock,
	}
	family.IdleExpiresAt = store.At(r.Now.Add(min(r.Client.RefreshIdle, r.Client.RefreshMax)))
	refused := access.about() // there is no family then
	if _, err := io.ReadFull(g.Rand, family.ID[:]); err != nil {
		return refused, fmt.Errorf("name a refresh token family: %w", err)
	}
	access.Family = family.ID
	a, err := g.issue(r, access)
	if err != nil {
		return refused, err
	}
	if a.RefreshToken, err = g.Refresh.Encode(tokens.Refresh{Family: family.ID, Generation: family.Generation}, family.CreatedAt); err != nil {
		return refused, err
	}
	err = g.Families.CreateFamily(ctx, family, uses(r.Once)...)
	if errors.Is(err, store.ErrNotFound) { // deleted since it was read
		return refused, oauth.Fail(oauth.InvalidGrant, "user_unknown", "the username or the password is wrong")
	}
	if err := refuseAgain(r.Once, err); err != nil {
		return refused, fmt.Errorf("begin a refresh token family: %w", err)
	}
	return a, nil
}
