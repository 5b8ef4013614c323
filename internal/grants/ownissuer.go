package grants

import (
	"context"
	"errors"
	"fmt"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/trust/assertions"
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

// issuers finds who may have signed: the issuers that are registered with the "iss", or
// else a client that signs for itself, as service accounts do. There is one or more.
func (g *JWTBearer) issuers(ctx context.Context, now time.Time, parsed assertions.Parsed) ([]trusted, error) {
	found, err := g.registered(ctx, parsed)
	if errors.Is(err, store.ErrNotFound) {
		own, err := g.ownIssuer(ctx, now, parsed)
		return []trusted{own}, err
	}
	return found, err
}

// registered finds the issuers that are registered with the "iss" and not disabled. The
// error is store.ErrNotFound where none is registered at all.
func (g *JWTBearer) registered(ctx context.Context, parsed assertions.Parsed) ([]trusted, error) {
	if parsed.Issuer() == g.Self { // an access token may have the typ of an assertion
		return nil, unknownIssuer()
	}
	issuers, err := g.Issuers.IssuersOf(ctx, parsed.Issuer())
	if err != nil {
		return nil, fmt.Errorf("look up the issuer: %w", err)
	}
	var found []trusted
	for _, i := range issuers {
		if !i.Disabled {
			found = append(found, trusted{Issuer: i, registration: assertions.OfIssuer(i, g.Audiences)})
		}
	}
	if len(found) == 0 {
		return nil, unknownIssuer()
	}
	return found, nil
}

// believe checks an assertion, and tells which of those who may have signed it did.
// encryption is how it was encrypted to this server; "": it was not.
func (g *JWTBearer) believe(ctx context.Context, now time.Time, parsed assertions.Parsed, encryption string, by []trusted) (trusted, assertions.Assertion, error) {
	registrations := make([]assertions.Registration, len(by))
	for i, t := range by {
		registrations[i] = t.registration
	}
	chosen, assertion, err := g.Verifier.VerifyAmong(ctx, now, parsed, registrations)
	if fault := (*assertions.Fault)(nil); errors.As(err, &fault) {
		return trusted{}, assertions.Assertion{}, fmt.Errorf("check the assertion: %w", err)
	}
	if err != nil {
		return trusted{}, assertions.Assertion{}, refuseAssertion("assertion_refused", err)
	}
	if err := by[chosen].registration.CheckEncryption(encryption); err != nil {
		return trusted{}, assertions.Assertion{}, refuseAssertion("assertion_encryption", err)
	}
	return by[chosen], assertion, nil
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
	registration, ok := assertions.OfClient(client, parsed.Header.Alg, now, g.Own, g.Audiences)
	if !ok {
		return trusted{}, unknownIssuer().Because(fmt.Errorf("client %s is not registered for %s, by which it signed", client.ID, assertions.Method(parsed.Header.Alg)))
	}
	own := store.Issuer{ID: client.ID, ClientID: client.ID, SubjectClaim: "sub", SubjectKind: subjectOwn, MaxLifetime: g.Own.MaxLifetime, AllowRepeat: client.AllowRepeat}
	return trusted{own, registration, &client}, nil
}
