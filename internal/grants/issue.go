package grants

import (
	"context"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/internal/trust/assertions"
)

// Minter signs access tokens; it is [tokens.Minter].
type Minter interface {
	Ready(now time.Time, alg string) error
	Mint(now time.Time, a tokens.Access) (tokens.Minted, error)
}

// Issuing has what every grant needs to issue a token. A grant names the subject and fills in its
// own claims; this file makes what all tokens have in common.
type Issuing struct {
	Targets    *Targets
	Minter     Minter
	Assertions store.Assertions // records single uses
	// IDTokens makes the ID token of a family whose user signed in with the scope openid; nil:
	// none is made.
	IDTokens IDTokens
}

// IDTokens makes ID tokens (OpenID Connect Core §2).
type IDTokens interface {
	// IDToken makes the ID token that comes with an access token, from the sign-in that the family
	// stores. The Scope of the family is that of the access token.
	IDToken(ctx context.Context, now time.Time, client store.Client, user store.User, family store.Family, beside tokens.HashInputs) (string, error)
}

// resolveTarget reads scope and resource of a request and checks them against the
// registration of its client.
func (i *Issuing) resolveTarget(ctx context.Context, r Request) (Target, oauth.Scope, error) {
	asked, err := askedScope(r.Form.Get("scope"))
	if err != nil {
		return Target{}, nil, err
	}
	target, err := i.Targets.Resolve(ctx, r.Form.Resources(), r.Client.Resources)
	if err != nil {
		return Target{}, nil, err
	}
	scope, err := target.Scope(asked, r.Client.Scopes, r.Client.Defaults())
	return target, scope, err
}

// askedScope reads the parameter "scope".
func askedScope(value string) (oauth.Scope, error) {
	scope, err := oauth.ParseScope(value)
	if err != nil {
		return nil, oauth.Fail(oauth.InvalidScope, "scope_malformed", "scope is malformed: "+err.Error())
	}
	return scope, nil
}

// draft is an unsigned access token, with the username of its subject.
type draft struct {
	tokens.Access
	username string // for the log; "": the subject is not a user of this server
}

// about is what the log says about the token, whether or not it is issued.
func (d draft) about() Answer {
	return Answer{About: tokens.About{Subject: d.Subject, Username: d.username, Family: d.Family}}
}

// ofUser is a draft with a subject and nothing else, for the log; user may be nil, or the zero
// User.
func ofUser(user *store.User) draft {
	if user == nil {
		return draft{}
	}
	return draft{Access: tokens.Access{Subject: user.ID}, username: user.Username}
}

// forTarget is a token for a target, before its subject is filled in.
func forTarget(target Target, scope oauth.Scope, subject string) draft {
	return draft{Access: tokens.Access{
		Subject:    subject,
		Audience:   target.Resources,
		Scope:      scope,
		Alg:        target.Alg,
		Typ:        target.Typ,
		Encryption: target.Encryption,
		TTL:        target.TTL,
	}}
}

// forClient is the token of a client that acts for itself (RFC 9068 §2.2: sub
// is the client then).
func forClient(target Target, scope oauth.Scope, client store.Client) draft {
	access := forTarget(target, scope, client.ID)
	access.Roles, access.Permissions = client.Roles, client.Permissions
	access.Custom = mergeClaims(target.Claims, client.Claims)
	access.SubjectNotBefore = client.NotBefore
	return heldBy(access, client)
}

// forUser is the token of a user at a client.
func forUser(target Target, scope oauth.Scope, client store.Client, user store.User) draft {
	access := forTarget(target, scope, user.ID)
	access.Sector, access.username = client.PairwiseSector(), user.Username
	access.Roles, access.Permissions = user.Roles, user.Permissions
	access.Custom = mergeClaims(mergeClaims(target.Claims, client.Claims), user.Claims)
	access.SubjectNotBefore = user.NotBefore
	return heldBy(access, client)
}

// ofFamily is the token of a user who signed in, from the stored family.
func ofFamily(target Target, scope oauth.Scope, client store.Client, user store.User, family store.Family) draft {
	access := forUser(target, scope, client, user)
	access.Family = family.ID
	// The NotBefore that the family stores, so that the token is revoked with it.
	access.ClientNotBefore, access.SubjectNotBefore = family.ClientNotBefore, family.UserNotBefore
	access.AuthTime, access.ACR, access.AMR = family.Login.AuthTime, family.Login.ACR, family.Login.AMR // RFC 9068 §2.2.1, RFC 9470 §6.1
	if scope.Has("openid") {
		access.UserinfoClaims = family.Login.UserinfoClaims
	}
	return access
}

// forSubject is the token of the subject of a JWT, for a client. The subject is a user, a client,
// or a name that only its issuer knows.
func forSubject(target Target, scope oauth.Scope, holder store.Client, found assertions.Subject, name string) draft {
	switch {
	case found.User != nil:
		return forUser(target, scope, holder, *found.User)
	case found.Client != nil:
		return heldBy(forClient(target, scope, *found.Client), holder)
	}
	return heldBy(forClient(target, scope, store.Client{ID: name}), holder)
}

// heldBy is the token of a subject for a client.
func heldBy(access draft, client store.Client) draft {
	access.ClientID, access.ClientNotBefore = client.ID, client.NotBefore
	return access
}

// issue mints the access token that answers a request, bound to the key in Request.Confirmation.
func (i *Issuing) issue(r Request, access draft) (Answer, error) {
	access.Confirmation = r.Confirmation
	a := access.about()
	minted, err := i.Minter.Mint(r.Now, access.Access)
	if err != nil {
		return a, err
	}
	tokenType := oauth.Bearer
	if access.Confirmation.JKT != "" { // RFC 9449 §5
		tokenType = oauth.DPoP
	}
	a.AccessToken, a.ExpiresIn, a.Scope, a.TokenType, a.ID = minted.Token, minted.ExpiresIn, access.Scope, tokenType, minted.ID
	return a, nil
}

// issueOf makes the access token and the ID token of a family after its rotation.
func (i *Issuing) issueOf(ctx context.Context, r Request, p plan, family store.Family, user store.User) (Answer, error) {
	target, scope, err := p.target(r.Client, family)
	if err != nil {
		return Answer{}, err
	}
	a, err := i.issue(r, ofFamily(target, scope, *r.Client, user, family))
	if err != nil {
		return Answer{}, err
	}
	if i.IDTokens != nil && scope.Has("openid") && !family.Login.AuthTime.IsZero() {
		family.Scope = scope
		a.IDToken, err = i.IDTokens.IDToken(ctx, r.Now, *r.Client, user, family, tokens.HashInputs{AccessToken: a.AccessToken})
	}
	return a, err
}

// issueOnce issues the token, and then records the single uses. So a request that cannot be signed
// uses nothing up.
func (i *Issuing) issueOnce(ctx context.Context, r Request, access draft, beside ...SingleUse) (Answer, error) {
	a, err := i.issue(r, access)
	if err != nil {
		return a, err
	}
	if err := UseUp(ctx, i.Assertions, append(beside, r.Once...)); err != nil {
		return access.about(), err
	}
	return a, nil
}
