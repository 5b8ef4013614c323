package admin

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"authserver/internal/jose"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/trust/assertions"
)

// assertionAlgs reads the algorithms of a client's assertions; none is nil.
func assertionAlgs(values []string) ([]string, error) {
	known := slices.Concat(assertions.KeyAlgorithms(), assertions.SecretAlgorithms())
	for _, alg := range values {
		if !slices.Contains(known, alg) {
			return nil, invalid("--assertion-alg %q is not known: choose from %s", alg, strings.Join(known, ", "))
		}
	}
	if len(values) == 0 {
		return nil, nil
	}
	return distinct(values), nil
}

func setProfile(to *store.Profile, profile *string) error {
	if profile == nil {
		return nil
	}
	if *profile != "" && *profile != string(store.ProfileFAPI2) {
		return invalid("--profile %q is not known: choose %s, or leave it empty for none", *profile, store.ProfileFAPI2)
	}
	*to = store.Profile(*profile)
	return nil
}

// checkProfile refuses what contradicts the profile of a client (FAPI 2.0 Security
// Profile §5.3.2.1 and §5.4.1, by their items).
func checkProfile(c store.Client, f ClientFields) error {
	if c.Profile != store.ProfileFAPI2 {
		return nil
	}
	byKey := []oauth.AuthMethod{oauth.AuthPrivateKeyJWT, oauth.AuthTLS, oauth.AuthSelfSignedTLS}
	for _, method := range c.AuthMethods { // items 3 and 6
		if !slices.Contains(byKey, method) {
			return invalid("--profile fapi2: with it a client proves itself by --auth-method private_key_jwt, tls_client_auth or self_signed_tls_client_auth, and not by %s (FAPI 2.0 section 5.3.2.1)", method)
		}
	}
	switch {
	case c.May(oauth.Password): // item 2
		return invalid("--profile fapi2: with it there is no --grant password (FAPI 2.0 section 5.3.2.1)")
	case c.EndpointAudience: // item 8
		return invalid("--profile fapi2: with it an assertion names the issuer identifier alone, so leave out --accept-token-endpoint-audience or set it to false (FAPI 2.0 section 5.3.2.1)")
	case c.TLSUnbound && f.DPoPBound != nil && !*f.DPoPBound: // items 4 and 5
		return invalid("--profile fapi2: with it access tokens are bound, and --dpop-bound=false with --tls-bound=false would leave them unbound (FAPI 2.0 section 5.3.2.1)")
	}
	for _, alg := range c.AssertionAlgs { // §5.4.1
		if !slices.Contains(c.Profile.Algorithms(), alg) {
			return invalid("--profile fapi2: with it a client signs with %s, and --assertion-alg is %s (FAPI 2.0 section 5.4.1)", strings.Join(c.Profile.Algorithms(), ", "), alg)
		}
	}
	return nil
}

// checkAssertionAlgs refuses algorithms that the client has no method for, a method that
// is left with none, and keys that could sign nothing.
func checkAssertionAlgs(c store.Client) error {
	for _, alg := range c.AssertionAlgs {
		if method := assertions.Method(alg); !slices.Contains(c.AuthMethods, method) {
			return invalid("--assertion-alg %s goes with --auth-method %s, for which the client is not registered", alg, method)
		}
	}
	if c.AssertionAlgs == nil && c.Profile == "" {
		return nil
	}
	for method, known := range map[oauth.AuthMethod][]string{oauth.AuthPrivateKeyJWT: assertions.KeyAlgorithms(), oauth.AuthSecretJWT: assertions.SecretAlgorithms()} {
		if slices.Contains(c.AuthMethods, method) && len(jose.Common(known, c.AssertionAlgs, c.Profile.Algorithms())) == 0 {
			return invalid("--auth-method %s needs an --assertion-alg too: choose from %s", method, strings.Join(jose.Common(known, c.Profile.Algorithms()), ", "))
		}
	}
	if !slices.Contains(c.AuthMethods, oauth.AuthPrivateKeyJWT) {
		return nil
	}
	return checkKeysSign(c, jose.Common(assertions.KeyAlgorithms(), c.AssertionAlgs, c.Profile.Algorithms()))
}

// checkKeysSign wants each key on file to do one of the algorithms. A set that the client
// publishes is seen when it is fetched.
func checkKeysSign(c store.Client, allowed []string) error {
	refuse := func(flag string, n int, can []string) error {
		return invalid("%s: key %d can sign with %s, and the client signs with %s: replace the key, or see --assertion-alg and --profile", flag, n+1, strings.Join(can, ", "), strings.Join(allowed, ", "))
	}
	set := jose.KeySet{}
	if len(c.JWKS) > 0 {
		var err error
		if set, err = jose.ParseKeySet(c.JWKS); err != nil {
			return fmt.Errorf("parse the key set of client %s: %w", c.ID, err)
		}
	}
	for n, key := range set {
		can := jose.AlgorithmsFor(key.Public)
		if key.Alg != "" {
			can = []string{key.Alg}
		}
		if len(jose.Common(can, allowed)) == 0 {
			return refuse("--jwks-file", n, can)
		}
	}
	for n, der := range c.Certificates {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("parse a certificate of client %s: %w", c.ID, err)
		}
		if can := jose.AlgorithmsFor(certificate.PublicKey); len(jose.Common(can, allowed)) == 0 {
			return refuse("--certificate-file", n, can)
		}
	}
	return nil
}

// profileWarnings tell what of a registration the settings or the resources do not let
// work, or keep from being what its profile is.
func (a *Admin) profileWarnings(ctx context.Context, c store.Client) ([]Fault, error) {
	var warnings []Fault
	for method, known := range map[oauth.AuthMethod][]string{oauth.AuthPrivateKeyJWT: assertions.KeyAlgorithms(), oauth.AuthSecretJWT: assertions.SecretAlgorithms()} {
		own := jose.Common(known, c.AssertionAlgs, c.Profile.Algorithms())
		if slices.Contains(c.AuthMethods, method) && len(jose.Common(own, a.Limits.AssertionAlgs)) == 0 {
			warnings = append(warnings, warning("auth_methods", CodeUnused, "by these settings servers take no assertion of the client by %s: see %v", method, Setting("client-assertion-alg")))
		}
	}
	if c.Profile != store.ProfileFAPI2 {
		return warnings, nil
	}
	const least, most = 10 * time.Second, 60 * time.Second
	if skew := a.Limits.ClockSkew; skew < least || skew > most { // FAPI 2.0 §5.3.2.1, item 13
		warnings = append(warnings, warning("profile", CodeInvalid, "%v is %s: FAPI 2.0 wants it from %s to %s (section 5.3.2.1)", Setting("clock-skew"), skew, least, most))
	}
	resources := c.Resources
	if len(resources) == 0 {
		resources = []string{a.Self}
	}
	for _, id := range resources {
		resource, err := a.Store.Resource(ctx, id)
		if errors.Is(err, store.ErrNotFound) { // this server itself
			resource.SigningAlg = a.Limits.SigningAlg
		} else if err != nil {
			return nil, fmt.Errorf("look up resource %q: %w", id, err)
		}
		if !slices.Contains(c.Profile.Algorithms(), resource.SigningAlg) {
			warnings = append(warnings, warning("profile", CodeInvalid, "resource %s has its access tokens signed with %s, and FAPI 2.0 wants one of %s (section 5.4.1): choose another with %v",
				id, resource.SigningAlg, strings.Join(c.Profile.Algorithms(), ", "), Operation{Noun: "resource", Verb: "update", ID: id}))
		}
	}
	return warnings, nil
}
