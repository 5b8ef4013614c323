package grants

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/trust/assertions"
)

// JWTBearer exchanges an assertion that a trusted issuer signed (RFC 7521 §4.1, RFC
// 7523 §2.1).
type JWTBearer struct {
	Issuing
	Trust *Trust
}

// Type implements [Grant].
func (*JWTBearer) Type() oauth.GrantType { return oauth.JWTBearer }

// NeedsClient implements [Grant]: the issuer's registration decides whether a client has to
// authenticate in addition to the assertion (RFC 7521 §4.1).
func (*JWTBearer) NeedsClient() bool { return false }

// Exchange implements [Grant]. It looks up the subject. It records the use of the
// assertion after the token is made and before it is sent.
func (g *JWTBearer) Exchange(ctx context.Context, r Request) (Answer, error) {
	if !r.Form.Has("assertion") { // RFC 7523 §2.1
		return Answer{}, oauth.Fail(oauth.InvalidRequest, "assertion_missing", "assertion is required")
	}
	signed, encryption, err := g.Trust.open(r.Form.Get("assertion"))
	if err != nil {
		return Answer{}, err
	}
	parsed, err := assertions.Parse(signed, assertions.GrantTypes())
	if err != nil {
		return Answer{}, refuseAssertion("assertion_malformed", err)
	}
	issuers, err := g.Trust.issuers(ctx, r.Now, parsed)
	if err != nil {
		return Answer{}, err
	}
	needsClient := func(by trusted) bool { return by.issuer.ClientAuth && !r.proved() }
	if !slices.ContainsFunc(issuers, func(by trusted) bool { return !needsClient(by) }) { // refuse before a signature is verified
		return Answer{}, clientAuthRequired()
	}
	by, assertion, err := g.Trust.verify(ctx, r.Now, parsed, encryption, issuers)
	if err != nil {
		return Answer{}, err
	}
	if needsClient(by) {
		return Answer{}, clientAuthRequired()
	}
	a, err := g.exchange(ctx, r, by, parsed, assertion)
	a.Issuer = by.name()
	return a, err
}

// exchange is Exchange after the assertion was verified. A refusal comes with an Answer that has
// the subject, for the log.
func (g *JWTBearer) exchange(ctx context.Context, r Request, by trusted, parsed assertions.Parsed, assertion assertions.Assertion) (Answer, error) {
	client, err := g.client(ctx, r, by)
	if err != nil {
		return Answer{}, err
	}
	if err := r.Possession.Holds(parsed.Claims); err != nil {
		return Answer{}, refuseAssertion("assertion_bound", err)
	}
	access, err := g.access(ctx, r, client, by, assertion)
	if err != nil {
		return access.about(), err
	}
	if access.Act, err = g.Trust.carried(parsed.Claims, assertion.Issuer); err != nil {
		return access.about(), err
	}
	access.Custom = mergeClaims(access.Custom, assertion.Mapped)
	// RFC 7521 §4.1: no refresh token is issued; the client brings a new assertion for a new token.
	return g.issueOnce(ctx, r, access, g.once(by, assertion)...)
}

// proved reports whether a client authenticated, instead of only naming itself.
func (r Request) proved() bool { return r.Client != nil && !r.Client.Public() }

func clientAuthRequired() *oauth.Error {
	return oauth.Fail(oauth.InvalidClient, "client_auth_required", "a client has to authenticate beside an assertion of this issuer")
}

// client returns the client that the token is for: the client that authenticated, or else
// the client that signed for itself, or else that of the issuer's registration; nil:
// there is none.
func (g *JWTBearer) client(ctx context.Context, r Request, by trusted) (*store.Client, error) {
	switch {
	case by.own != nil && r.Client != nil && r.Client.ID != by.own.ID:
		return nil, refuseAssertion("assertion_of_another_client", errors.New("its issuer is another client than the one that authenticated"))
	case r.Client != nil:
		return r.Client, nil
	case by.own != nil:
		return by.own, nil
	case by.issuer.ClientID == "":
		return nil, nil //nolint:nilnil // no client is an answer
	}
	client, err := g.Trust.Clients.Client(ctx, by.issuer.ClientID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("look up the issuer's client: %w", err)
	}
	if err != nil || client.Disabled {
		return nil, oauth.Fail(oauth.UnauthorizedClient, "issuer_client_gone",
			"the client that the issuer is registered with is disabled or deleted")
	}
	return &client, nil
}

// access prepares the token: its subject at this server, and what it may have.
func (g *JWTBearer) access(ctx context.Context, r Request, client *store.Client, by trusted, a assertions.Assertion) (draft, error) {
	asked, err := askedAssertionScope(r.Form.Get("scope"), a.Scope)
	if err != nil {
		return draft{}, err
	}
	limited := client
	if limited == nil && by.issuer.SubjectKind == store.SubjectClient {
		// The client acts for itself, with the roles of its registration.
		subject, err := g.Trust.subjects().Client(ctx, a.Subject)
		if err != nil {
			return draft{}, refuseSubject(err)
		}
		limited = &subject
	}
	if limited != nil { // a client that did not authenticate gets no unbound token either
		if _, err := r.Possession.Bind(limited); err != nil {
			return draft{}, err
		}
	}
	limit, err := ceiling(limited, by.issuer)
	if err != nil {
		return draft{}, err
	}
	target, err := g.Targets.Resolve(ctx, r.Form.Resources(), limit.resources)
	if err != nil {
		return draft{}, err
	}
	scope, err := target.Scope(asked, limit.scopes, limit.defaults)
	if err != nil {
		return draft{}, err
	}
	holder := store.Client{ID: by.name()}
	if client != nil {
		holder = *client
	}
	return g.Trust.access(ctx, target, scope, holder, by, a)
}

// once is the single use of an assertion, on all replicas (RFC 7523 §3, item 7), unless the issuer
// is registered for repeated assertions. An assertion without jti is identified by its content. The
// use is stored for the skew longer than the assertion is valid here, because a replica whose clock
// is behind accepts it for that long.
func (g *JWTBearer) once(by trusted, a assertions.Assertion) []SingleUse {
	if by.mayRepeat() {
		return nil
	}
	return []SingleUse{{
		Use:      store.Use{Issuer: by.registration.Uses, ID: a.ID, ExpiresAt: store.At(a.ExpiresAt.Add(g.Trust.Verifier.Skew))},
		OnReplay: assertionReplayed,
	}}
}

func assertionReplayed() *oauth.Error {
	return refuseAssertion("assertion_replayed", errors.New("it was used before: make a new one, with a jti of its own")).ForAudit()
}

// bounds limits what a request may ask for.
type bounds struct {
	resources        []string
	scopes, defaults oauth.Scope
}

// ceiling is the limit by the registrations of the issuer and, if there is one, the client. An
// issuer without scopes or resources does not limit the client.
func ceiling(client *store.Client, issuer store.Issuer) (bounds, error) {
	if client == nil {
		return bounds{issuer.Resources, issuer.Scopes, issuer.Scopes}, nil
	}
	limit := bounds{client.Resources, client.Scopes, client.Defaults()}
	if len(issuer.Resources) > 0 && len(client.Resources) > 0 {
		limit.resources = oauth.Scope(issuer.Resources).Intersect(client.Resources)
		if len(limit.resources) == 0 {
			return bounds{}, disjoint()
		}
	} else if len(issuer.Resources) > 0 {
		limit.resources = issuer.Resources
	}
	if len(issuer.Scopes) > 0 {
		limit.scopes = issuer.Scopes.Intersect(client.Scopes)
		limit.defaults = client.Defaults().Intersect(issuer.Scopes)
	}
	return limit, nil
}

// askedAssertionScope reads the requested scope: from the parameter, or else from the
// claim, as Google's and Salesforce's clients send it. If both are there, they have to
// agree.
func askedAssertionScope(parameter, claim string) (oauth.Scope, error) {
	asked, err := askedScope(parameter)
	if err != nil {
		return nil, err
	}
	signed, err := askedScope(claim)
	if err != nil {
		return nil, err
	}
	if asked == nil {
		return signed, nil
	}
	if token, ok := asked.FirstNotIn(signed); signed != nil && ok {
		return nil, oauth.Fail(oauth.InvalidScope, "scope_not_signed",
			oauth.Quote("scope", token)+" is not in the claim scope of the assertion")
	}
	return asked, nil
}
