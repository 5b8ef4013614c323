package admin

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/trust/assertions"
)

const maxClientID = 255 // bytes

// setClientID sets an identifier (RFC 6749 appendix A.1: VSCHAR), or makes one.
func (cs *Clients) setClientID(f *form, to *string, id string) {
	const randomBytes = 16
	var err error
	switch {
	case id == "":
		if *to, err = cs.name(randomBytes); err != nil {
			f.fail("make the client_id: %w", err)
		}
	case id == cs.Self: // it is the "iss" of every token, and the "aud" of some
		f.fault("client_id", CodeExists, "%s is this server itself: choose another", id)
	case len(id) > maxClientID:
		f.fault("client_id", CodeTooLong, "it is longer than %d bytes", maxClientID)
	case strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' }):
		f.fault("client_id", CodeInvalid, "%q: a client_id is of printable ASCII characters (RFC 6749 appendix A.1)", id)
	default:
		*to = id
	}
}

// setClient sets the given fields and checks the result.
func (cs *Clients) setClient(ctx context.Context, f *form, c *store.Client, in ClientInput) {
	f.setText("name", &c.Name, in.Name, maxText)
	setAuthMethods(f, &c.AuthMethods, in.AuthMethods)
	cs.setClientKeys(f, c, in)
	setKnown(f, "assertion_algs", &c.AssertionAlgs, in.AssertionAlgs, slices.Concat(assertions.KeyAlgorithms(), assertions.SecretAlgorithms()))
	setOptional(f, "profile", &c.Profile, (*store.Profile)(in.Profile), []store.Profile{store.ProfileFAPI2})
	setKnown(f, "grants", &c.Grants, in.Grants, []oauth.GrantType{oauth.AuthorizationCode, oauth.ClientCredentials, oauth.Password, oauth.RefreshToken, oauth.JWTBearer, oauth.TokenExchange})
	f.setScopes("scopes", &c.Scopes, in.Scopes)
	f.setScopes("default_scopes", &c.DefaultScopes, in.DefaultScopes)
	cs.Targets.set(ctx, f, "resources", &c.Resources, in.Resources)
	cs.Targets.set(ctx, f, "serves", &c.Serves, in.Serves)
	f.setWords("roles", &c.Roles, in.Roles)
	setUsernames(f, "assert_users", &c.AssertUsers, in.AssertUsers)
	f.setWords("assert_roles", &c.AssertRoles, in.AssertRoles)
	f.setWords("may_impersonate", &c.Impersonates, in.Impersonates)
	f.setWords("permissions", &c.Permissions, in.Permissions)
	f.setClaims(&c.Claims, in.Claims)
	f.setTTL("refresh_idle_ttl_seconds", &c.RefreshIdle, in.RefreshIdleTTL)
	f.setTTL("refresh_max_ttl_seconds", &c.RefreshMax, in.RefreshMaxTTL)
	setTLSSubject(f, &c.TLSSubject, in.TLSSubject)
	if in.TLSBound != nil {
		c.TLSBound, c.TLSUnbound = *in.TLSBound, !*in.TLSBound
	}
	set(&c.EndpointAudience, in.EndpointAudience)
	set(&c.DPoPBound, in.DPoPBound)
	set(&c.AllowRepeat, in.AllowRepeat)
	set(&c.Disabled, in.Disabled)
	setSignIn(f, c, in.ClientSignInInput)
	checkClient(f, *c)
	checkRefresh(f, *c, in)
	checkSignIn(f, *c)
	checkProfile(f, *c, in)
	checkAssertionAlgs(f, *c)
	checkTLS(f, *c)
	cs.checkSector(ctx, f, *c, in.ClientSignInInput)
	cs.wantKey(ctx, f, "id_token_signed_response_alg", in.IDTokenAlg)
	cs.wantKey(ctx, f, "userinfo_signed_response_alg", in.UserinfoAlg)
}

// checkClient refuses fields that do not go together.
func checkClient(f *form, c store.Client) {
	switch {
	case c.DefaultScopes.IsSubsetOf(c.Scopes):
	case len(c.Scopes) == 0:
		f.fault("default_scopes", CodeConflict, "%s has to be among %v, of which the client has none", c.DefaultScopes, Field("scopes"))
	default:
		f.fault("default_scopes", CodeConflict, "%s has to be among %v, which is %s", c.DefaultScopes, Field("scopes"), c.Scopes)
	}
	// RFC 6749 §4.4: the grant MUST only be used by confidential clients.
	if c.Public() && c.May(oauth.ClientCredentials) {
		f.fault("grants", CodeConflict, "client_credentials is not for a public client, which cannot authenticate (RFC 6749 section 4.4)")
	}
	if c.Public() && c.May(oauth.TokenExchange) {
		f.fault("grants", CodeConflict, "%s is not for a public client, which cannot authenticate", Values{string(oauth.TokenExchange)})
	}
	if slices.Contains(c.AuthMethods, oauth.AuthPrivateKeyJWT) && c.JWKS == nil && c.JWKSURI == "" && c.Certificates == nil {
		f.fault("auth_methods", CodeRequired, "private_key_jwt wants the client's public keys: give %v", []Field{"jwks", "jwks_uri", "certificates"})
	}
	if c.AllowRepeat && !c.May(oauth.JWTBearer) {
		f.fault("allow_repeat", CodeConflict, "it is for what the client signs as its own issuer: add %s to %v, or set it to false", Values{string(oauth.JWTBearer)}, Field("grants"))
	}
}

// checkRefresh refuses lifetimes that do not go together, in the one that was given.
func checkRefresh(f *form, c store.Client, in ClientInput) {
	switch {
	case c.RefreshIdle <= c.RefreshMax:
	case in.RefreshIdleTTL == nil:
		f.fault("refresh_max_ttl_seconds", CodeConflict, "it is %s, shorter than %v, which is %s", c.RefreshMax, Field("refresh_idle_ttl_seconds"), c.RefreshIdle)
	default:
		f.fault("refresh_idle_ttl_seconds", CodeConflict, "it is %s, longer than %v, which is %s", c.RefreshIdle, Field("refresh_max_ttl_seconds"), c.RefreshMax)
	}
}

func (cs *Clients) clientWarnings(ctx context.Context, c store.Client, in ClientInput) ([]Fault, error) {
	warnings, err := cs.Targets.unlisted(ctx, c.Scopes, c.Resources)
	if err != nil {
		return nil, err
	}
	warnings = append(warnings, commas(c.Scopes)...)
	if len(c.Grants) == 0 && len(c.Serves) == 0 {
		warnings = append(warnings, newFault("grants", CodeUnused, "the client has no grant and serves no resource, so that it can do nothing: name one"))
	}
	if slices.Contains(c.AuthMethods, oauth.AuthBasic) && strings.Contains(c.ID, ":") { // RFC 7617 §2
		warnings = append(warnings, newFault("client_id", CodeInvalid, "it has a colon, which ends it in HTTP Basic: there the client has to send it as %s (RFC 6749 section 2.3.1)", url.QueryEscape(c.ID)))
	}
	if hasSecrets(c) && !slices.ContainsFunc(c.Secrets, func(s store.ClientSecret) bool { return s.Kind == store.SecretSealed || !signs(c) }) {
		warnings = append(warnings, newFault("auth_methods", CodeUnused, "the client has no secret for them yet: %v makes one", Operation{Noun: "client", Verb: "rotate-secret", ID: c.ID}))
	}
	byProfile, err := cs.profileWarnings(ctx, c)
	return slices.Concat(warnings, cs.tlsWarnings(c), cs.signInWarnings(c), byProfile, leftOut(in.JWKS)), err
}

func secretMethods() []oauth.AuthMethod { return []oauth.AuthMethod{oauth.AuthBasic, oauth.AuthPost} }

func setAuthMethods(f *form, to *[]oauth.AuthMethod, methods []oauth.AuthMethod) {
	switch {
	case methods == nil:
	case len(methods) == 0:
		*to = secretMethods()
	case len(distinct(methods)) > 1 && slices.Contains(methods, oauth.AuthNone):
		f.fault("auth_methods", CodeInvalid, "none makes a public client and must be the only method")
	default:
		setKnown(f, "auth_methods", to, methods, append(secretMethods(), oauth.AuthSecretJWT, oauth.AuthPrivateKeyJWT, oauth.AuthTLS, oauth.AuthSelfSignedTLS, oauth.AuthNone))
	}
}

// setUsernames sets patterns of usernames, normalised like usernames: Bob is bob.
func setUsernames(f *form, field Field, to *[]string, values []string) {
	if values == nil {
		return
	}
	before := len(f.faults)
	patterns := make([]string, len(values))
	for n, value := range values {
		normal, err := store.NormalizePattern(value)
		if err != nil {
			f.fault(field.at(n), CodeInvalid, "%q: %v", value, err)
		}
		patterns[n] = normal
	}
	if len(f.faults) == before {
		f.setWords(field, to, patterns)
	}
}
