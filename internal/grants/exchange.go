package grants

import (
	"context"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// The token types of RFC 8693 §3 that are exchanged here.
const (
	AccessTokenType = "urn:ietf:params:oauth:token-type:access_token"
	JWTType         = "urn:ietf:params:oauth:token-type:jwt"
)

// Exchange is token exchange (RFC 8693): a client acts for the subject of a token that
// it was given.
type Exchange struct {
	Issuing
	Users   store.Users   // not cached: a revoked token must not be exchanged
	Clients store.Clients // the same
	Tokens  interface {   // our own; it is [tokens.Verifier]
		Verify(now time.Time, token string) (tokens.Claims, error)
	}
	Revoked interface { // it is [tokens.View]
		Revoked(ctx context.Context, c tokens.Claims) (bool, error)
	}
	Used store.AssertionAdmin
	// Trust verifies the JWTs of trusted issuers.
	Trust *Trust
}

// Type implements [Grant].
func (*Exchange) Type() oauth.GrantType { return oauth.TokenExchange }

// NeedsClient implements [Grant].
func (*Exchange) NeedsClient() bool { return true }

// Exchange implements [Grant].
func (g *Exchange) Exchange(ctx context.Context, r Request) (Answer, error) {
	if r.Client.Public() {
		return Answer{}, oauth.Fail(oauth.UnauthorizedClient, "public_client",
			"a public client cannot exchange tokens: it cannot authenticate")
	}
	if err := checkRequested(r.Form); err != nil {
		return Answer{}, err
	}
	subject, err := g.party(ctx, r, "subject_token")
	if err != nil {
		return subject.about(), err
	}
	a, err := g.exchange(ctx, r, subject)
	a.Issuer = subject.by.issuer.ID
	return a, err
}

// exchange is Exchange after the subject token was read. A refusal comes with an Answer that has
// the subject, for the log.
func (g *Exchange) exchange(ctx context.Context, r Request, subject party) (Answer, error) {
	var err error
	acting, delegated := g.itself(*r.Client, subject.expires), r.Form.Has("actor_token")
	if delegated {
		if acting, err = g.actor(ctx, r); err != nil {
			return subject.about(), err
		}
	}
	target, scope, err := g.target(ctx, r, subject)
	if err != nil {
		return subject.about(), err
	}
	access, name, err := g.access(ctx, target, scope, *r.Client, subject)
	if err != nil {
		return access.about(), err
	}
	if access.Act, err = g.actorOf(*r.Client, subject, acting, delegated, name); err != nil {
		return access.about(), err
	}
	access.TTL = min(access.TTL, subject.expires.Sub(r.Now), acting.expires.Sub(r.Now)) // the new token outlives neither of the two
	a, err := g.issueOnce(ctx, r, access)
	a.IssuedTokenType = AccessTokenType
	return a, err
}

// checkRequested refuses a token type that cannot be issued (RFC 8693 §2.1).
func checkRequested(form oauth.Form) error {
	if !form.Has("subject_token") || !form.Has("subject_token_type") {
		return oauth.Fail(oauth.InvalidRequest, "subject_token_missing", "subject_token and subject_token_type are required")
	}
	if form.Has("actor_token") != form.Has("actor_token_type") {
		return oauth.Fail(oauth.InvalidRequest, "actor_token_incomplete", "actor_token and actor_token_type are given together or not at all")
	}
	if asked := form.Get("requested_token_type"); asked != "" && asked != AccessTokenType && asked != JWTType {
		return oauth.Fail(oauth.InvalidRequest, "requested_token_type", oauth.Quote("requested_token_type", asked)+" is not supported: leave it out, or ask for "+AccessTokenType)
	}
	return nil
}

// target is what the token is for: resources that the client may ask for, and at most
// the scope of the subject's token.
func (g *Exchange) target(ctx context.Context, r Request, subject party) (Target, oauth.Scope, error) {
	asked, err := askedScope(r.Form.Get("scope"))
	if err != nil {
		return Target{}, nil, err
	}
	allowed, err := g.allowed(*r.Client, subject)
	if err != nil {
		return Target{}, nil, err
	}
	target, err := g.Targets.Resolve(ctx, r.Form.Resources(), allowed)
	if err != nil {
		return Target{}, nil, err
	}
	scope, err := target.Scope(asked, subject.scope.Intersect(r.Client.Scopes), subject.scope.Intersect(r.Client.Defaults()))
	return target, scope, err
}

// allowed are the resources that the client may ask for, and for the token of an issuer only those
// of the issuer too. A token of this server that came from such an issuer keeps its audience,
// because a second exchange could otherwise escape that limit.
func (g *Exchange) allowed(client store.Client, subject party) ([]string, error) {
	allowed, bound := g.Targets.Allowed(client.Resources), subject.by.issuer.Resources
	if subject.claims.Parsed.Bounded {
		bound = subject.claims.Audience
	}
	if len(bound) == 0 { // only the client's registration limits it
		return allowed, nil
	}
	if allowed = oauth.Scope(allowed).Intersect(bound); len(allowed) == 0 {
		return nil, disjoint()
	}
	return allowed, nil
}

// access returns the new token of the subject for the client, and the name of the subject in
// policies.
func (g *Exchange) access(ctx context.Context, target Target, scope oauth.Scope, holder store.Client, subject party) (draft, string, error) {
	if subject.by.issuer.ID != "" {
		access, err := g.Trust.access(ctx, target, scope, holder, subject.by, subject.assertion)
		access.Custom = mergeClaims(access.Custom, subject.assertion.Mapped)
		return access, subject.subject, badSubject("subject_token", err)
	}
	access, name := local(target, scope, holder, subject)
	return access, name, nil
}

// local is the new token for the subject of a token of this server. It has the same NotBefore of
// the subject, so it is revoked with the first token.
func local(target Target, scope oauth.Scope, holder store.Client, subject party) (access draft, name string) {
	access, name = forSubject(target, scope, holder, subject.found, subject.subject), subject.subject
	if subject.found.User != nil {
		name = subject.found.User.Username
	}
	access.SubjectNotBefore = subject.claims.Parsed.SubjectNotBefore()
	access.Bounded = subject.claims.Parsed.Bounded
	access.Family = subject.claims.Parsed.Family // ending the login ends this token too
	return access, name
}
