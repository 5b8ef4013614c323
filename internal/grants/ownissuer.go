package grants

import (
	"context"
	"errors"
	"fmt"
	"time"

	"authserver/internal/assertions"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// subjectOwn is the subject of a client that is its own issuer: itself, or a user
// whom it was authorised for ahead of time.
const subjectOwn store.SubjectKind = "own"

// trusted is somebody whose assertions are taken, and how they are checked.
type trusted struct {
	store.Issuer
	registration assertions.Registration
	// own is the client that signs for itself, as it was read with the keys that count:
	// the token remembers what that was. nil: the issuer is registered.
	own *store.Client
}

// issuer finds who is said to have signed: an issuer that is registered, or else a
// client that signs for itself, as service accounts do.
func (g *JWTBearer) issuer(ctx context.Context, now time.Time, parsed assertions.Parsed) (trusted, error) {
	if parsed.Issuer() == g.Self { // an access token may have the typ of an assertion
		return trusted{}, unknownIssuer()
	}
	issuer, err := g.Issuers.Issuer(ctx, parsed.Issuer())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return g.ownIssuer(ctx, now, parsed)
	case err != nil:
		return trusted{}, fmt.Errorf("look up the issuer: %w", err)
	case issuer.Disabled:
		return trusted{}, unknownIssuer()
	}
	return trusted{Issuer: issuer, registration: assertions.OfIssuer(issuer, g.Audiences)}, nil
}

func unknownIssuer() *oauth.Error {
	return refuseAssertion("issuer_unknown", errors.New("its iss is not an issuer that is trusted here"))
}

// ownIssuer is a client under whose name no issuer is registered, and which is registered
// for the grant and for the method by which it signed: its keys are those that it
// authenticates with today.
func (g *JWTBearer) ownIssuer(ctx context.Context, now time.Time, parsed assertions.Parsed) (trusted, error) {
	if parsed.Issuer() == "" {
		return trusted{}, unknownIssuer()
	}
	client, err := g.Clients.Client(ctx, parsed.Issuer())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return trusted{}, fmt.Errorf("look up the issuer: %w", err)
	}
	if err != nil || client.Disabled || !client.May(oauth.JWTBearer) {
		return trusted{}, unknownIssuer()
	}
	registration, ok := assertions.OfClient(client, parsed.Header.Alg, now, g.MaxLifetime, g.Audiences)
	if !ok {
		return trusted{}, unknownIssuer().Because(fmt.Errorf("client %s is not registered for %s, by which it signed", client.ID, assertions.Method(parsed.Header.Alg)))
	}
	own := store.Issuer{ID: client.ID, ClientID: client.ID, SubjectClaim: "sub", SubjectKind: subjectOwn, MaxLifetime: g.MaxLifetime}
	return trusted{own, registration, &client}, nil
}
