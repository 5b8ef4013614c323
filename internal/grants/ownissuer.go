package grants

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"authserver/internal/assertions"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// subjectOwn is the subject of a client that is its own issuer: itself, or a user
// whom it was authorised for ahead of time.
const subjectOwn store.SubjectKind = "own"

// trusted is somebody whose assertions are taken, and how they are checked.
type trusted struct {
	store.Issuer
	registration assertions.Registration
}

// issuer finds who is said to have signed: an issuer that is registered, or else a
// client that signs for itself, as service accounts do.
func (g *JWTBearer) issuer(ctx context.Context, now time.Time, parsed assertions.Parsed) (trusted, error) {
	issuer, err := g.Issuers.Issuer(ctx, parsed.Issuer())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return g.ownIssuer(ctx, now, parsed)
	case err != nil:
		return trusted{}, fmt.Errorf("look up the issuer: %w", err)
	case issuer.Disabled:
		return trusted{}, unknownIssuer()
	}
	return trusted{issuer, assertions.OfIssuer(issuer, g.Audiences)}, nil
}

func unknownIssuer() *oauth.Error {
	return refuseAssertion("issuer_unknown", errors.New("its iss is not an issuer that is trusted here"))
}

// ownIssuer is a client under whose name nobody else is registered. Its keys are those
// that it may authenticate with.
func (g *JWTBearer) ownIssuer(ctx context.Context, now time.Time, parsed assertions.Parsed) (trusted, error) {
	if parsed.Issuer() == "" {
		return trusted{}, unknownIssuer()
	}
	client, err := g.Clients.Client(ctx, parsed.Issuer())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return trusted{}, fmt.Errorf("look up the issuer: %w", err)
	}
	if err != nil || client.Disabled || client.Public() || !client.May(oauth.JWTBearer) {
		return trusted{}, unknownIssuer()
	}
	return trusted{
		store.Issuer{ID: client.ID, ClientID: client.ID, SubjectClaim: "sub", SubjectKind: subjectOwn, MaxLifetime: g.MaxLifetime},
		assertions.OfClient(client, parsed.Header.Alg, now, g.MaxLifetime, g.Audiences),
	}, nil
}

// ownSubject is the token of a client that is its own issuer.
func (g *JWTBearer) ownSubject(ctx context.Context, target Target, scope oauth.Scope, at store.Client, subject string) (tokens.Access, error) {
	if subject == at.ID {
		return clientAccess(target, scope, at), nil
	}
	user, err := g.user(ctx, "sub", subject)
	if err != nil {
		return tokens.Access{}, err
	}
	byName := slices.ContainsFunc(at.AssertUsers, func(pattern string) bool { return assertions.Matches(pattern, user.Username) })
	byRole := slices.ContainsFunc(at.AssertRoles, func(role string) bool { return slices.Contains(user.Roles, role) })
	if !byName && !byRole {
		// As for a user who is not there: a client is not to find out who is.
		return tokens.Access{}, refuseAssertion("subject_not_authorised", errSubject)
	}
	return userAccess(target, scope, at, user), nil
}
