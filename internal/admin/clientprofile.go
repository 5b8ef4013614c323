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

// checkProfile refuses what contradicts the profile of a client (FAPI 2.0 Security
// Profile §5.3.2.1 and §5.4.1, by their items).
func checkProfile(f *form, c store.Client, in ClientInput) {
	if c.Profile != store.ProfileFAPI2 {
		return
	}
	refuse := func(format string, args ...any) {
		f.fault("profile", CodeConflict, "with fapi2 "+format, args...)
	}
	byKey := []oauth.AuthMethod{oauth.AuthPrivateKeyJWT, oauth.AuthTLS, oauth.AuthSelfSignedTLS}
	for _, method := range c.AuthMethods { // items 3 and 6
		if !slices.Contains(byKey, method) {
			refuse("a client authenticates by private_key_jwt, tls_client_auth or self_signed_tls_client_auth, and not by %s: see %v (FAPI 2.0 section 5.3.2.1)", method, Field("auth_methods"))
		}
	}
	if c.May(oauth.Password) { // item 2
		refuse("there is no password among %v (FAPI 2.0 section 5.3.2.1)", Field("grants"))
	}
	if c.EndpointAudience { // item 8
		refuse("an assertion names the issuer identifier alone: leave out %v, or set it to false (FAPI 2.0 section 5.3.2.1)", Field("accept_token_endpoint_audience"))
	}
	if c.TLSUnbound && in.DPoPBound != nil && !*in.DPoPBound { // items 4 and 5
		refuse("access tokens are bound, and %v=false with %v=false would leave them unbound (FAPI 2.0 section 5.3.2.1)", Field("dpop_bound"), Field("tls_bound"))
	}
	for _, alg := range c.AssertionAlgs { // §5.4.1
		if !slices.Contains(c.Profile.Algorithms(), alg) {
			refuse("a client signs with %s, and %v is %s (FAPI 2.0 section 5.4.1)", strings.Join(c.Profile.Algorithms(), ", "), Field("assertion_algs"), alg)
		}
	}
	for _, signed := range []struct {
		field Field
		alg   string
	}{{"id_token_signed_response_alg", c.IDTokenAlg}, {"userinfo_signed_response_alg", c.UserinfoAlg}} {
		if signed.alg != "" && !slices.Contains(c.Profile.Algorithms(), signed.alg) { // §5.4.1
			refuse("the server signs for a client with %s, and %v is %s (FAPI 2.0 section 5.4.1)", strings.Join(c.Profile.Algorithms(), ", "), signed.field, signed.alg)
		}
	}
}

// checkAssertionAlgs refuses algorithms without a method of the client, a method without an
// algorithm, and keys that could not sign.
func checkAssertionAlgs(f *form, c store.Client) {
	for _, alg := range c.AssertionAlgs {
		if method := assertions.Method(alg); !slices.Contains(c.AuthMethods, method) {
			f.fault("assertion_algs", CodeConflict, "%s goes with %s, which is not among %v", alg, method, Field("auth_methods"))
		}
	}
	if c.AssertionAlgs == nil && c.Profile == "" {
		return
	}
	for _, signing := range signingMethods() {
		if slices.Contains(c.AuthMethods, signing.method) && len(jose.Common(signing.algs, c.AssertionAlgs, c.Profile.Algorithms())) == 0 {
			f.fault("assertion_algs", CodeRequired, "%s of %v needs one too: choose from %s", signing.method, Field("auth_methods"), strings.Join(jose.Common(signing.algs, c.Profile.Algorithms()), ", "))
		}
	}
	if allowed := jose.Common(assertions.KeyAlgorithms(), c.AssertionAlgs, c.Profile.Algorithms()); len(allowed) > 0 && slices.Contains(c.AuthMethods, oauth.AuthPrivateKeyJWT) {
		checkKeysSign(f, c, allowed)
	}
}

// signing is a method by which a client signs, and its algorithms.
type signing struct {
	method oauth.AuthMethod
	algs   []string
}

func signingMethods() []signing {
	return []signing{{oauth.AuthPrivateKeyJWT, assertions.KeyAlgorithms()}, {oauth.AuthSecretJWT, assertions.SecretAlgorithms()}}
}

// checkKeysSign demands that each registered key supports one of the algorithms. A published set is
// checked when it is fetched.
func checkKeysSign(f *form, c store.Client, allowed []string) {
	refuse := func(field Field, n int, can []string) {
		f.fault(field, CodeConflict, "key %d can sign with %s, and the client signs with %s: replace the key, or see %v", n+1,
			strings.Join(can, ", "), strings.Join(allowed, ", "), []Field{"assertion_algs", "profile"})
	}
	set := jose.KeySet{}
	if len(c.JWKS) > 0 {
		var err error
		if set, err = jose.ParseKeySet(c.JWKS); err != nil {
			f.fail("parse the key set of client %s: %w", c.ID, err)
			return
		}
	}
	for n, key := range set {
		can := jose.AlgorithmsFor(key.Public)
		if key.Alg != "" {
			can = []string{key.Alg}
		}
		if len(jose.Common(can, allowed)) == 0 {
			refuse("jwks", n, can)
		}
	}
	for n, der := range c.Certificates {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			f.fail("parse a certificate of client %s: %w", c.ID, err)
			return
		}
		if can := jose.AlgorithmsFor(certificate.PublicKey); len(jose.Common(can, allowed)) == 0 {
			refuse("certificates", n, can)
		}
	}
}

// profileWarnings warn of settings and resources with which the registration does not work or does
// not meet its profile.
func (cs *Clients) profileWarnings(ctx context.Context, c store.Client) ([]Fault, error) {
	var warnings []Fault
	for _, signing := range signingMethods() {
		method, own := signing.method, jose.Common(signing.algs, c.AssertionAlgs, c.Profile.Algorithms())
		if slices.Contains(c.AuthMethods, method) && len(jose.Common(own, cs.Limits.AssertionAlgs)) == 0 {
			warnings = append(warnings, newFault("auth_methods", CodeUnused, "with these settings servers accept no assertion of the client by %s: see %v", method, Setting("client-assertion-alg")))
		}
	}
	if c.Profile != store.ProfileFAPI2 {
		return warnings, nil
	}
	const least, most = 10 * time.Second, 60 * time.Second
	if skew := cs.Limits.ClockSkew; skew < least || skew > most { // FAPI 2.0 §5.3.2.1, item 13
		warnings = append(warnings, newFault("profile", CodeInvalid, "%v is %s: FAPI 2.0 wants it from %s to %s (section 5.3.2.1)", Setting("clock-skew"), skew, least, most))
	}
	resources := c.Resources
	if len(resources) == 0 {
		resources = []string{cs.Self}
	}
	for _, id := range resources {
		resource, err := cs.Targets.Resources.Resource(ctx, id)
		cure := Operation{Noun: "resource", Verb: "update", ID: id}
		if errors.Is(err, store.ErrNotFound) { // this server itself
			resource.SigningAlg, cure.Verb = cs.Limits.SigningAlg, "create"
		} else if err != nil {
			return nil, fmt.Errorf("look up resource %q: %w", id, err)
		}
		if !slices.Contains(c.Profile.Algorithms(), resource.SigningAlg) {
			warnings = append(warnings, newFault("profile", CodeInvalid, "resource %s has its access tokens signed with %s, and FAPI 2.0 wants one of %s (section 5.4.1): choose another with %v",
				id, resource.SigningAlg, strings.Join(c.Profile.Algorithms(), ", "), cure.with("signing_alg", "ES256")))
		}
	}
	return warnings, nil
}
