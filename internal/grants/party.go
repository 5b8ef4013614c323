package grants

import (
	"context"
	"errors"
	"fmt"
	"time"

	"authserver/internal/jose"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/internal/trust/assertions"
)

// party is the subject of a token that is exchanged.
type party struct {
	subject string
	iss     string // the issuer that knows the subject
	scope   oauth.Scope
	expires time.Time
	all     map[string]any // its claims

	claims tokens.Claims      // of a token of our own
	found  assertions.Subject // the subject of those claims

	by        trusted // the issuer of the JWT; zero: this server
	assertion assertions.Assertion
}

// about is what the log says about the token that was presented.
func (p party) about() Answer {
	a := ofUser(p.found.User).about()
	a.Family = p.claims.Parsed.Family
	return a
}

// itself makes the client the actor, if there is no actor token.
func (g *Exchange) itself(client store.Client, expires time.Time) party {
	return party{
		subject: client.ID, iss: g.Trust.Self, expires: expires,
		all: map[string]any{"iss": g.Trust.Self, "sub": client.ID, "client_id": client.ID},
	}
}

// actor reads the actor token. If its subject is a user or client of this server, it has to be
// enabled.
func (g *Exchange) actor(ctx context.Context, r Request) (party, error) {
	acting, err := g.party(ctx, r, "actor_token")
	if err != nil || acting.by.issuer.ID == "" {
		return acting, err
	}
	_, err = g.Trust.find(ctx, *r.Client, acting.by, acting.assertion)
	return acting, badSubject("actor_token", err)
}

// party reads the token of a parameter (RFC 8693 §2.1). A token that expires within a second is
// refused: the new token expires with it, and expiry counts in whole seconds. A refusal comes with
// the subject of the token, as far as it is known, for the log.
func (g *Exchange) party(ctx context.Context, r Request, parameter string) (party, error) {
	p, err := g.read(ctx, r, parameter)
	if err != nil {
		return p, err
	}
	if p.expires.Sub(r.Now) < time.Second {
		return p, badToken(parameter, errors.New("it has expired"))
	}
	if err := r.Possession.Holds(p.all); err != nil {
		return p, badToken(parameter, err)
	}
	return p, nil
}

func (g *Exchange) read(ctx context.Context, r Request, parameter string) (party, error) {
	token, kind := r.Form.Get(parameter), r.Form.Get(parameter+"_type")
	switch kind {
	case AccessTokenType:
		return g.own(ctx, r, parameter, token)
	case JWTType:
		signed, encryption, err := g.Trust.open(token)
		if err != nil {
			return party{}, badAssertion(parameter, err)
		}
		compact, err := jose.Parse(signed, assertions.MaxBytes)
		if err != nil {
			return party{}, badToken(parameter, err)
		}
		if tokens.LooksLikeAccessToken(compact.Header.Typ, issuerOf(compact), g.Trust.Self) {
			return g.own(ctx, r, parameter, token) // which is never encrypted to this server
		}
		return g.foreign(ctx, r, parameter, compact, encryption)
	}
	return party{}, oauth.Fail(oauth.InvalidRequest, "exchanged_token_type", oauth.Quote(parameter+"_type", kind)+" is not supported: send "+AccessTokenType+" or "+JWTType)
}

// issuerOf is the "iss" of a JWT, unverified, or "".
func issuerOf(compact jose.Compact) string {
	claims, err := compact.Claims()
	if err != nil {
		return ""
	}
	return assertions.Parsed{Compact: compact, Claims: claims}.Issuer()
}

// told is the subject in the party's own token, which may be pairwise.
func (p party) told() string {
	if p.claims.Pairwise {
		subject, _ := p.all["sub"].(string)
		return subject
	}
	return p.subject
}

// own reads an access token of this server that was issued to the client, or for a resource that it
// serves.
func (g *Exchange) own(ctx context.Context, r Request, parameter, token string) (party, error) {
	claims, err := g.Tokens.Verify(r.Now, token)
	if err != nil {
		return party{}, badToken(parameter, err)
	}
	p := party{subject: claims.Subject, iss: claims.Issuer, expires: claims.ExpiresAt, all: claims.All, claims: claims}
	revoked, err := g.Revoked.Revoked(ctx, claims)
	if err != nil {
		return p, fmt.Errorf("look up whether the token is revoked: %w", err)
	}
	p.found, err = g.subjectOf(ctx, *r.Client, claims)
	void := errors.Is(err, errVoid) || errors.Is(err, assertions.ErrSubjectUnknown)
	switch {
	case err != nil && !void:
		return p, err
	case revoked:
		return p, badToken(parameter, errVoid)
	case !claims.IssuedTo(*r.Client) && !claims.ServedBy(*r.Client):
		return p, badToken(parameter, errors.New("it was issued neither to the client nor for a resource that it serves"))
	case void:
		return p, badToken(parameter, err)
	}
	p.scope = claims.Scope()
	return p, nil
}

// foreign reads a JWT of a trusted issuer. It records no use, because a client may act for its
// subject more than once. The new token expires with it. A JWT that was used as an assertion is
// refused.
func (g *Exchange) foreign(ctx context.Context, r Request, parameter string, compact jose.Compact, encryption string) (party, error) {
	parsed, err := assertions.Read(compact, assertions.GrantTypes())
	if err != nil {
		return party{}, badToken(parameter, err)
	}
	issuers, err := g.Trust.registered(ctx, parsed)
	if errors.Is(err, store.ErrNotFound) { // a client that is its own issuer has no subject tokens
		err = unknownIssuer()
	}
	if err != nil {
		return party{}, badAssertion(parameter, err)
	}
	by, assertion, err := g.Trust.verify(ctx, r.Now, parsed, encryption, issuers)
	if err != nil {
		return party{}, badAssertion(parameter, err)
	}
	if !by.mayRepeat() {
		used, err := g.Used.AssertionUsed(ctx, by.registration.Uses, assertion.ID)
		if err != nil {
			return party{}, fmt.Errorf("look up whether the token was used: %w", err)
		}
		if used {
			return party{}, badToken(parameter, errors.New("it was used up as an assertion"))
		}
	}
	scope := by.issuer.Scopes
	if assertion.HasScope { // an empty scope counts as none
		signed, err := oauth.ParseScope(assertion.Scope)
		if err != nil {
			return party{}, badToken(parameter, fmt.Errorf("its scope is malformed: %w", err))
		}
		scope = signed.Intersect(by.issuer.Scopes)
	}
	expires, _, err := jose.NumericDate(parsed.Claims, "exp")
	return party{
		subject: assertion.Subject, iss: assertion.Issuer, scope: scope, expires: expires, all: parsed.Claims,
		by: by, assertion: assertion,
	}, err
}

// badAssertion is [badToken] for a fault of an assertion. It returns faults of the server
// unchanged.
func badAssertion(parameter string, err error) error {
	refused := (*oauth.Error)(nil)
	if errors.As(err, &refused) && refused.Code == oauth.InvalidGrant {
		return badToken(parameter, errors.Unwrap(refused))
	}
	return err
}

// badSubject is [badToken] for a subject that the issuer may not name here. It returns faults of
// the server unchanged.
func badSubject(parameter string, err error) error {
	for _, why := range []error{assertions.ErrSubjectUnknown, assertions.ErrSubjectTaken} {
		if errors.Is(err, why) {
			return badToken(parameter, why)
		}
	}
	return err
}

// badToken refuses a token that is exchanged, with the reason (RFC 8693 §2.2.2).
func badToken(parameter string, why error) *oauth.Error {
	return oauth.Fail(oauth.InvalidRequest, "exchanged_token_refused", parameter+" is not accepted: "+why.Error()).Because(why)
}
