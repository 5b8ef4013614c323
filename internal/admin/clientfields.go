package admin

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// PublicMethod is the client authentication method of a public client.
const PublicMethod = string(oauth.AuthNone)

const maxClientID = 255 // bytes

// clientID checks an identifier (RFC 6749 appendix A.1: VSCHAR), or makes one.
func (a *Admin) clientID(id string) (string, error) {
	const randomBytes = 16
	if id == "" {
		return a.name(randomBytes)
	}
	if id == a.Self { // it stands in "iss" of every token, and in "aud" of some
		return "", invalid("--id %s is this server itself: choose another", id)
	}
	if len(id) > maxClientID {
		return "", invalid("--id is longer than %d bytes", maxClientID)
	}
	for i := range len(id) {
		if c := id[i]; c < ' ' || c > '~' {
			return "", invalid("--id %q: a client_id is of printable ASCII characters (RFC 6749 appendix A.1)", id)
		}
	}
	return id, nil
}

// setClient takes over the fields given and checks what results.
func (a *Admin) setClient(ctx context.Context, c *store.Client, f ClientFields) error {
	steps := []func() error{
		func() error { return setName(&c.Name, f.Name) },
		func() error { return setIf(f.AuthMethods, &c.AuthMethods, parseAuthMethods) },
		func() error { return a.setClientKeys(c, f) },
		func() error { return setIf(f.AssertionAlgs, &c.AssertionAlgs, assertionAlgs) },
		func() error { return setProfile(&c.Profile, f.Profile) },
		func() error { return setIf(f.Grants, &c.Grants, parseGrants) },
		func() error { return setIf(f.Scopes, &c.Scopes, scopesOf("--scope")) },
		func() error { return setIf(f.DefaultScopes, &c.DefaultScopes, scopesOf("--default-scope")) },
		func() error { return setIf(f.Resources, &c.Resources, a.resourcesOf(ctx, "--resource")) },
		func() error { return setIf(f.Serves, &c.Serves, a.resourcesOf(ctx, "--serves")) },
		func() error { return setIf(f.Roles, &c.Roles, wordsOf("--role")) },
		func() error { return setIf(f.AssertUsers, &c.AssertUsers, usernamesOf("--assert-user")) },
		func() error { return setIf(f.AssertRoles, &c.AssertRoles, wordsOf("--assert-role")) },
		func() error { return setIf(f.Impersonates, &c.Impersonates, wordsOf("--may-impersonate")) },
		func() error { return setIf(f.Permissions, &c.Permissions, wordsOf("--permission")) },
		func() error { return setClaims(&c.Claims, f.Claims) },
		func() error { return setTTL("--refresh-idle-ttl", &c.RefreshIdle, f.RefreshIdleTTL) },
		func() error { return setTTL("--refresh-max-ttl", &c.RefreshMax, f.RefreshMaxTTL) },
		func() error { return setTLSSubject(&c.TLSSubject, f.TLSSubject) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	if f.TLSBound != nil {
		c.TLSBound, c.TLSUnbound = *f.TLSBound, !*f.TLSBound
	}
	if f.AllowRepeat != nil {
		c.AllowRepeat = *f.AllowRepeat
	}
	if f.Disabled != nil {
		c.Disabled = *f.Disabled
	}
	if err := checkProfile(*c, f); err != nil {
		return err
	}
	return checkClient(*c)
}

// checkClient refuses fields that do not go together.
func checkClient(c store.Client) error {
	if !c.DefaultScopes.Within(c.Scopes) {
		return invalid("--default-scope %s: it has to be among the client's scopes, %s", c.DefaultScopes, c.Scopes)
	}
	// RFC 6749 §4.4: the grant MUST only be used by confidential clients.
	if c.Public() && c.May(oauth.ClientCredentials) {
		return invalid("--grant client_credentials is not for a public client, which cannot prove who it is (RFC 6749 section 4.4)")
	}
	if slices.Contains(c.AuthMethods, oauth.AuthPrivateKeyJWT) && c.JWKS == nil && c.JWKSURI == "" && c.Certificates == nil {
		return invalid("--auth-method private_key_jwt wants the client's public keys: give --jwks-file, --jwks-uri or --certificate-file")
	}
	if c.AllowRepeat && !c.May(oauth.JWTBearer) {
		return invalid("--allow-repeat is for what the client signs as its own issuer: it goes with --grant jwt-bearer, and off again with --allow-repeat=false")
	}
	if c.Public() && c.May(oauth.TokenExchange) {
		return invalid("--grant token-exchange is not for a public client, which cannot prove who it is")
	}
	if c.RefreshIdle > c.RefreshMax {
		return invalid("--refresh-idle-ttl is %s, longer than --refresh-max-ttl, which is %s", c.RefreshIdle, c.RefreshMax)
	}
	if err := checkAssertionAlgs(c); err != nil {
		return err
	}
	return checkTLS(c)
}

func (a *Admin) clientWarnings(ctx context.Context, c store.Client) ([]Fault, error) {
	warnings, err := a.unlisted(ctx, c.Scopes, c.Resources)
	if err != nil {
		return nil, err
	}
	warnings = append(warnings, commas(c.Scopes)...)
	if len(c.Grants) == 0 && len(c.Serves) == 0 {
		warnings = append(warnings, warning("grants", CodeUnused, "the client has no grant and serves no resource, so that it can do nothing: name one"))
	}
	if slices.Contains(c.AuthMethods, oauth.AuthBasic) && strings.Contains(c.ID, ":") { // RFC 7617 §2
		warnings = append(warnings, warning("client_id", CodeInvalid, "it has a colon, which ends it in HTTP Basic: there the client has to send it as %s (RFC 6749 section 2.3.1)", url.QueryEscape(c.ID)))
	}
	if hasSecrets(c) && !slices.ContainsFunc(c.Secrets, func(s store.ClientSecret) bool { return s.Kind == store.SecretSealed || !signs(c) }) {
		warnings = append(warnings, warning("auth_methods", CodeUnused, "the client has no secret for them yet: %v makes one", Operation{Noun: "client", Verb: "rotate-secret", ID: c.ID}))
	}
	byProfile, err := a.profileWarnings(ctx, c)
	return slices.Concat(warnings, a.tlsWarnings(c), byProfile), err
}

// What stands for the URNs, which nobody likes to type.
const (
	shortJWTBearer     = "jwt-bearer"
	shortTokenExchange = "token-exchange"
)

func parseGrants(values []string) ([]oauth.GrantType, error) {
	known := []oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken, oauth.JWTBearer, oauth.TokenExchange}
	var grants []oauth.GrantType
	for _, v := range values {
		grant := oauth.GrantType(v)
		switch v {
		case shortJWTBearer:
			grant = oauth.JWTBearer
		case shortTokenExchange:
			grant = oauth.TokenExchange
		}
		if !slices.Contains(known, grant) {
			return nil, invalid("--grant %q is not known: choose from client_credentials, password, refresh_token, %s, %s", v, shortJWTBearer, shortTokenExchange)
		}
		if !slices.Contains(grants, grant) {
			grants = append(grants, grant)
		}
	}
	return grants, nil
}

func secretMethods() []oauth.AuthMethod { return []oauth.AuthMethod{oauth.AuthBasic, oauth.AuthPost} }

func parseAuthMethods(values []string) ([]oauth.AuthMethod, error) {
	if len(values) == 0 {
		return secretMethods(), nil
	}
	known := append(secretMethods(), oauth.AuthSecretJWT, oauth.AuthPrivateKeyJWT, oauth.AuthTLS, oauth.AuthSelfSignedTLS, oauth.AuthNone)
	var methods []oauth.AuthMethod
	for _, v := range values {
		method := oauth.AuthMethod(v)
		if !slices.Contains(known, method) {
			names := make([]string, 0, len(known))
			for _, k := range known {
				names = append(names, string(k))
			}
			return nil, invalid("--auth-method %q is not known: choose from %s", v, strings.Join(names, ", "))
		}
		if !slices.Contains(methods, method) {
			methods = append(methods, method)
		}
	}
	if len(methods) > 1 && slices.Contains(methods, oauth.AuthNone) {
		return nil, invalid("--auth-method none makes a public client and stands alone")
	}
	return methods, nil
}
