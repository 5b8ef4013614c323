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

// Trust decides which JWTs are accepted and which subjects their issuers may name. Every grant that
// accepts a JWT uses it.
type Trust struct {
	Issuers   store.Issuers
	Clients   store.Clients
	Users     store.Users
	Names     store.Names
	Verifier  *assertions.Verifier
	Decrypter Decrypter
	// Self is the issuer identifier of this server, whose own tokens are no assertions.
	Self string
	// Audiences are the names under which an assertion may address this server: its
	// issuer identifier and the URL of its token endpoint (RFC 7523 §3, item 3).
	Audiences []string
	// Own is for the assertions of clients that are their own issuers.
	Own assertions.ClientRules
}

// trusted is a party whose assertions are accepted, with the rules for them: a registered issuer,
// or a client that signs for itself.
type trusted struct {
	registration assertions.Registration
	issuer       store.Issuer // zero: a client signs for itself, without further limits
	// own is the client that signs for itself, from the read that gave the verifying keys; nil: the
	// issuer is registered.
	own *store.Client
}

// name is the identifier of the registration, for the log.
func (by trusted) name() string {
	if by.own != nil {
		return by.own.ID
	}
	return by.issuer.ID
}

// mayRepeat reports whether an assertion may be used again.
func (by trusted) mayRepeat() bool {
	if by.own != nil {
		return by.own.AllowRepeat
	}
	return by.issuer.AllowRepeat
}

// issuers finds the parties that may have signed: the issuers that are registered with
// the "iss", or else a client that signs for itself, as service accounts do. It returns
// at least one.
func (t *Trust) issuers(ctx context.Context, now time.Time, parsed assertions.Parsed) ([]trusted, error) {
	found, err := t.registered(ctx, parsed)
	if errors.Is(err, store.ErrNotFound) {
		own, err := t.ownIssuer(ctx, now, parsed)
		return []trusted{own}, err
	}
	return found, err
}

// registered finds the issuers that are registered with the "iss" and not disabled. The error is
// store.ErrNotFound if none is registered.
func (t *Trust) registered(ctx context.Context, parsed assertions.Parsed) ([]trusted, error) {
	if parsed.Issuer() == t.Self { // an access token may have the typ of an assertion
		return nil, unknownIssuer()
	}
	issuers, err := t.Issuers.IssuersOf(ctx, parsed.Issuer())
	if err != nil {
		return nil, fmt.Errorf("look up the issuer: %w", err)
	}
	var found []trusted
	for _, i := range issuers {
		if !i.Disabled {
			found = append(found, trusted{issuer: i, registration: assertions.OfIssuer(i, t.Audiences)})
		}
	}
	if len(found) == 0 {
		return nil, unknownIssuer()
	}
	return found, nil
}

// verify checks an assertion, and returns the party that signed it. encryption is the algorithm by
// which it was encrypted to this server; "": it was not.
func (t *Trust) verify(ctx context.Context, now time.Time, parsed assertions.Parsed, encryption string, by []trusted) (trusted, assertions.Assertion, error) {
	registrations := make([]assertions.Registration, len(by))
	for i, t := range by {
		registrations[i] = t.registration
	}
	chosen, assertion, err := t.Verifier.VerifyAmong(ctx, now, parsed, registrations)
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
	return refuseAssertion("issuer_unknown", errors.New("its iss is not a trusted issuer"))
}

// ownIssuer returns a client that is its own issuer: it is registered for the grant and for the
// method by which it signed, and no issuer has its name. Its keys are those of its current
// registration.
func (t *Trust) ownIssuer(ctx context.Context, now time.Time, parsed assertions.Parsed) (trusted, error) {
	if parsed.Issuer() == "" {
		return trusted{}, unknownIssuer()
	}
	client, err := t.Clients.Client(ctx, parsed.Issuer())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return trusted{}, fmt.Errorf("look up the issuer: %w", err)
	}
	if err != nil || client.Disabled || !client.May(oauth.JWTBearer) {
		return trusted{}, unknownIssuer()
	}
	registration, ok := assertions.OfClient(client, parsed.Header.Alg, now, t.Own, t.Audiences)
	if !ok {
		return trusted{}, unknownIssuer().Because(fmt.Errorf("client %s is not registered for %s, by which it signed", client.ID, assertions.Method(parsed.Header.Alg)))
	}
	return trusted{registration: registration, own: &client}, nil
}

// subjects finds the subjects of assertions.
func (t *Trust) subjects() assertions.Subjects {
	return assertions.Subjects{Users: t.Users, Clients: t.Clients, Names: t.Names}
}

// find finds the subject of an assertion, for the client that gets the token. A refusal comes with
// the user, if there is one, for the log.
func (t *Trust) find(ctx context.Context, holder store.Client, by trusted, a assertions.Assertion) (found assertions.Subject, err error) {
	if by.own != nil {
		found, err = t.subjects().FindOwn(ctx, holder, a.Subject)
	} else {
		found, err = t.subjects().Find(ctx, by.issuer, a.Subject)
	}
	if err != nil {
		return found, refuseSubject(err)
	}
	return found, nil
}

// access finds the subject of an assertion and returns its token for a client. A refusal comes with
// the user, as in find.
func (t *Trust) access(ctx context.Context, target Target, scope oauth.Scope, holder store.Client, by trusted, a assertions.Assertion) (draft, error) {
	found, err := t.find(ctx, holder, by, a)
	if err != nil {
		return ofUser(found.User), err
	}
	access := forSubject(target, scope, holder, found, a.Subject)
	access.Bounded = len(by.issuer.Resources) > 0
	return access, nil
}

// refuseSubject does not reveal to a client whether a user exists for whom it is not authorised.
func refuseSubject(err error) error {
	switch {
	case errors.Is(err, assertions.ErrSubjectUnknown), errors.Is(err, assertions.ErrSubjectDisabled):
		return refuseAssertion("subject_unknown", assertions.ErrSubjectUnknown)
	case errors.Is(err, assertions.ErrSubjectUnauthorised):
		return refuseAssertion("subject_not_authorised", assertions.ErrSubjectUnknown)
	case errors.Is(err, assertions.ErrSubjectTaken):
		return refuseAssertion("subject_taken", assertions.ErrSubjectTaken)
	}
	return err
}

// refuseAssertion names the check that failed. Its text is fixed, and the sender of an assertion
// has no other way to find a mistake (RFC 7521 §4.1.1).
func refuseAssertion(reason string, why error) *oauth.Error {
	return oauth.Fail(oauth.InvalidGrant, reason, "the assertion is not accepted: "+why.Error()).Because(why)
}
