package grants

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/internal/trust/assertions"
)

// JWTBearer is the grant of somebody who brings an assertion that a trusted
// issuer signed (RFC 7521 §4.1, RFC 7523 §2.1).
type JWTBearer struct {
	Targets    *Targets
	Minter     Minter
	Issuers    store.Issuers
	Clients    store.Clients
	Users      store.Users
	Names      store.Names
	Assertions store.Assertions
	Verifier   *assertions.Verifier
	Decrypter  Decrypter
	// Self is the issuer identifier of this server, whose own tokens are no assertions.
	Self string
	// Audiences are the names under which an assertion may address this server: its
	// issuer identifier and the URL of its token endpoint (RFC 7523 §3, item 3).
	Audiences []string
	// Own is for the assertions of clients that are their own issuers.
	Own assertions.ClientRules
}

// Type implements [Grant].
func (*JWTBearer) Type() oauth.GrantType { return oauth.JWTBearer }

// NeedsClient implements [Grant]: the issuer's registration says whether a client
// has to authenticate beside the assertion (RFC 7521 §4.1).
func (*JWTBearer) NeedsClient() bool { return false }

// Exchange implements [Grant]. It asks the database for the subject and records
// that the assertion was used, when the token is there and before it leaves.
func (g *JWTBearer) Exchange(ctx context.Context, r Request) (Answer, error) {
	if !r.Form.Has("assertion") { // RFC 7523 §2.1
		return Answer{}, oauth.Fail(oauth.InvalidRequest, "assertion_missing", "assertion is required")
	}
	signed, encryption, err := g.open(r.Form.Get("assertion"))
	if err != nil {
		return Answer{}, err
	}
	parsed, err := assertions.Parse(signed, assertions.GrantTypes())
	if err != nil {
		return Answer{}, refuseAssertion("assertion_malformed", err)
	}
	issuers, err := g.issuers(ctx, r.Now, parsed)
	if err != nil {
		return Answer{}, err
	}
	needsClient := func(i trusted) bool { return i.ClientAuth && !r.proved() }
	if !slices.ContainsFunc(issuers, func(i trusted) bool { return !needsClient(i) }) { // whoever signed: before that costs anything
		return Answer{}, clientAuthRequired()
	}
	issuer, assertion, err := g.believe(ctx, r.Now, parsed, encryption, issuers)
	if err != nil {
		return Answer{}, err
	}
	if needsClient(issuer) {
		return Answer{}, clientAuthRequired()
	}
	client, err := g.client(ctx, r, issuer)
	if err != nil {
		return Answer{}, err
	}
	if err := holdsKey(parsed.Claims, r.Held); err != nil {
		return Answer{}, refuseAssertion("assertion_bound", err)
	}
	access, err := g.access(ctx, r, client, issuer.Issuer, assertion)
	if err != nil {
		return Answer{}, err
	}
	if access.Act, err = g.carried(parsed.Claims, assertion.Issuer); err != nil {
		return Answer{}, err
	}
	access.Custom = mergeClaims(access.Custom, assertion.Mapped)
	// RFC 7521 §4.1: a refresh token is not issued; a new assertion buys a new token.
	a, err := r.issueOnce(ctx, g.Minter, g.Assertions, access, g.once(issuer, assertion)...)
	if err != nil {
		return Answer{}, err
	}
	a.Issuer = issuer.ID
	return a, nil
}

// proved reports whether a client authenticated, and did not only name itself.
func (r Request) proved() bool { return r.Client != nil && !r.Client.Public() }

func clientAuthRequired() *oauth.Error {
	return oauth.Fail(oauth.InvalidClient, "client_auth_required", "a client has to authenticate beside an assertion of this issuer")
}

// client returns the client that the token is for: the one that authenticated,
// or else the one that the issuer is registered with; nil where there is neither.
func (g *JWTBearer) client(ctx context.Context, r Request, issuer trusted) (*store.Client, error) {
	if issuer.SubjectKind == subjectOwn && r.Client != nil && r.Client.ID != issuer.ID {
		return nil, refuseAssertion("assertion_of_another_client", errors.New("it is another client's own than the one that authenticated"))
	}
	if r.Client != nil || issuer.ClientID == "" {
		return r.Client, nil
	}
	if issuer.own != nil {
		return issuer.own, nil
	}
	client, err := g.Clients.Client(ctx, issuer.ClientID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("look up the issuer's client: %w", err)
	}
	if err != nil || client.Disabled {
		return nil, oauth.Fail(oauth.UnauthorizedClient, "issuer_client_gone",
			"the client that the issuer is registered with is disabled or gone")
	}
	return &client, nil
}

// access lays out the token: who the subject is here, and what it may have.
func (g *JWTBearer) access(ctx context.Context, r Request, client *store.Client, issuer store.Issuer, a assertions.Assertion) (tokens.Access, error) {
	asked, err := askedAssertionScope(r.Form.Get("scope"), a.Scope)
	if err != nil {
		return tokens.Access{}, err
	}
	limited := client
	if limited == nil && issuer.SubjectKind == store.SubjectClient {
		// Nobody acts for the client: it is the one that asks, and may have what it is
		// registered for.
		subject, err := g.subjects().Client(ctx, a.Subject)
		if err != nil {
			return tokens.Access{}, refuseSubject(err)
		}
		limited = &subject
	}
	if limited != nil { // one that did not authenticate gets no unbound token either
		if _, err := r.Held.Bind(limited); err != nil {
			return tokens.Access{}, err
		}
	}
	limit, err := ceiling(limited, issuer)
	if err != nil {
		return tokens.Access{}, err
	}
	target, err := g.Targets.Resolve(ctx, r.Form.Resources(), limit.resources)
	if err != nil {
		return tokens.Access{}, err
	}
	scope, err := target.Scope(asked, limit.scopes, limit.defaults)
	if err != nil {
		return tokens.Access{}, err
	}
	at := store.Client{ID: issuer.ID}
	if client != nil {
		at = *client
	}
	return g.subject(ctx, target, scope, at, issuer, a)
}

// subjects finds whom assertions speak of.
func (g *JWTBearer) subjects() assertions.Subjects {
	return assertions.Subjects{Users: g.Users, Clients: g.Clients, Names: g.Names}
}

// find finds the subject of an assertion.
func (g *JWTBearer) find(ctx context.Context, at store.Client, issuer store.Issuer, a assertions.Assertion) (found assertions.Subject, err error) {
	if issuer.SubjectKind == subjectOwn {
		found, err = g.subjects().FindOwn(ctx, at, a.Subject)
	} else {
		found, err = g.subjects().Find(ctx, issuer, a.Subject)
	}
	if err != nil {
		return assertions.Subject{}, refuseSubject(err)
	}
	return found, nil
}

// subject finds the subject of an assertion and returns its token at the client.
func (g *JWTBearer) subject(ctx context.Context, target Target, scope oauth.Scope, at store.Client, issuer store.Issuer, a assertions.Assertion) (tokens.Access, error) {
	found, err := g.find(ctx, at, issuer, a)
	switch {
	case err != nil:
		return tokens.Access{}, err
	case found.User != nil:
		return userAccess(target, scope, at, *found.User), nil
	case found.Client != nil:
		return actingFor(clientAccess(target, scope, *found.Client), at), nil
	}
	return actingFor(clientAccess(target, scope, store.Client{ID: a.Subject}), at), nil
}

// actingFor is the subject's token in the hands of the client.
func actingFor(access tokens.Access, at store.Client) tokens.Access {
	access.ClientID, access.ClientNotBefore = at.ID, at.NotBefore
	return access
}

// refuseSubject tells no client whether a user whom it may not speak of is there.
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

// once is the use of an assertion, which is good once on all replicas (RFC 7523 §3, item
// 7), unless the issuer is registered for assertions that come again. One without jti
// stands for itself. It is remembered for the skew longer than it is good here: another
// replica, whose clock is behind, takes it for so long.
func (g *JWTBearer) once(issuer trusted, a assertions.Assertion) []Once {
	if issuer.AllowRepeat {
		return nil
	}
	return []Once{{
		Use:   store.Use{Issuer: issuer.registration.Uses, ID: a.ID, ExpiresAt: store.At(a.ExpiresAt.Add(g.Verifier.Skew))},
		Again: assertionReplayed,
	}}
}

func assertionReplayed() *oauth.Error {
	return refuseAssertion("assertion_replayed", errors.New("it was used before: make a new one, with a jti of its own"))
}

// bounds is what may be asked for.
type bounds struct {
	resources        []string
	scopes, defaults oauth.Scope
}

// ceiling is what the issuer is registered for, and of that, where there is a
// client, what the client is registered for too. An issuer that is registered for
// nothing in particular leaves the choice to the client, and without one to nobody.
func ceiling(client *store.Client, issuer store.Issuer) (bounds, error) {
	if client == nil {
		return bounds{issuer.Resources, issuer.Scopes, issuer.Scopes}, nil
	}
	limit := bounds{client.Resources, client.Scopes, client.Defaults()}
	if len(issuer.Resources) > 0 && len(client.Resources) > 0 {
		limit.resources = oauth.Scope(issuer.Resources).And(client.Resources)
		if len(limit.resources) == 0 {
			return bounds{}, disjoint()
		}
	} else if len(issuer.Resources) > 0 {
		limit.resources = issuer.Resources
	}
	if len(issuer.Scopes) > 0 {
		limit.scopes = issuer.Scopes.And(client.Scopes)
		limit.defaults = client.Defaults().And(issuer.Scopes)
	}
	return limit, nil
}

func disjoint() *oauth.Error {
	return oauth.Fail(oauth.InvalidTarget, "resources_disjoint",
		"the client and the issuer have no resource in common: an administrator can add one with --resource")
}

// askedAssertionScope reads the scope that is asked for: the parameter's, or else
// that of the claim, as Google's and Salesforce's clients send it. Both have to
// agree where both are there.
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
	if token, ok := asked.Beyond(signed); signed != nil && ok {
		return nil, oauth.Fail(oauth.InvalidScope, "scope_not_signed",
			oauth.Quote("scope", token)+" is not in the claim scope of the assertion")
	}
	return asked, nil
}

// refuseAssertion tells which check failed: its words are ours, and the sender of
// an assertion has no other way to find its mistake (RFC 7521 §4.1.1).
func refuseAssertion(reason string, why error) *oauth.Error {
	return oauth.Fail(oauth.InvalidGrant, reason, "the assertion is not accepted: "+why.Error()).Because(why)
}
