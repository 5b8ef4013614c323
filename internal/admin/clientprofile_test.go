package admin_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/admin"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/testkit"
)

// jwksWith returns a key set of one public key, with an alg if one is given.
func jwksWith(t *testing.T, public any, alg string) []byte {
	t.Helper()
	members := map[string]any{"kid": "k"}
	if alg != "" {
		members["alg"] = alg
	}
	return testkit.JWKS(t, testkit.JWK(t, public, members))
}

// keysOf returns public keys, one of each kind.
func keysOf(t *testing.T) (rs, p256, p384, ed any) {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &rsaKey.PublicKey, testkit.P256(t).Public(), &ec.PublicKey, public
}

func TestTheAlgorithmsOfAClient(t *testing.T) {
	o := newOffice(t)
	rs, p256, p384, _ := keysOf(t)
	signs, hmac := []oauth.AuthMethod{oauth.AuthPrivateKeyJWT}, []oauth.AuthMethod{oauth.AuthSecretJWT}
	for _, test := range []struct {
		name    string
		fields  admin.ClientInput
		refused []string // texts of the refusal; nil: it is accepted
		want    []string
	}{
		{"those that are chosen", admin.ClientInput{AuthMethods: signs, JWKS: jwksWith(t, rs, ""), AssertionAlgs: []string{"PS256", "PS512", "PS256"}}, nil, []string{"PS256", "PS512"}},
		{"none in particular", admin.ClientInput{AuthMethods: signs, JWKS: jwksWith(t, rs, ""), AssertionAlgs: []string{}}, nil, nil},
		{"of both methods", admin.ClientInput{AuthMethods: append(signs, hmac...), JWKS: jwksWith(t, p256, "ES256"), AssertionAlgs: []string{"ES256", "HS512"}}, nil, []string{"ES256", "HS512"}},
		{"of keys that are fetched", admin.ClientInput{AuthMethods: signs, JWKSURI: ptr("https://web.example.com/keys"), AssertionAlgs: []string{"EdDSA"}}, nil, []string{"EdDSA"}},
		{"one that there is not", admin.ClientInput{AuthMethods: signs, JWKS: jwksWith(t, rs, ""), AssertionAlgs: []string{"none"}}, []string{"assertion_algs", "PS256"}, nil},
		{"one of another method", admin.ClientInput{AuthMethods: signs, JWKS: jwksWith(t, rs, ""), AssertionAlgs: []string{"HS256"}}, []string{"assertion_algs: HS256", "client_secret_jwt"}, nil},
		{"one of no method", admin.ClientInput{AssertionAlgs: []string{"RS256"}}, []string{"assertion_algs: RS256", "private_key_jwt"}, nil},
		{"none of one of two methods", admin.ClientInput{AuthMethods: append(signs, hmac...), JWKS: jwksWith(t, rs, ""), AssertionAlgs: []string{"HS256"}}, []string{"private_key_jwt", "assertion_algs"}, nil},
		{"one that no key can do", admin.ClientInput{AuthMethods: signs, JWKS: jwksWith(t, p384, ""), AssertionAlgs: []string{"ES256"}}, []string{"jwks", "ES384", "ES256"}, nil},
		{"one that a key may not do by its alg", admin.ClientInput{AuthMethods: signs, JWKS: jwksWith(t, rs, "RS256"), AssertionAlgs: []string{"PS256"}}, []string{"jwks", "RS256", "PS256"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			made, _, err := o.Clients.Create(t.Context(), by, admin.NewClient{ClientInput: test.fields})
			if test.refused != nil {
				wantFaults(t, err, test.refused...)
				return
			}
			o.must(err)
			if diff := cmp.Diff(test.want, made.AssertionAlgs); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("a secret is as long as the hash", func(t *testing.T) {
		made := o.client(admin.NewClient{ID: "hmac", ClientInput: admin.ClientInput{AuthMethods: hmac, AssertionAlgs: []string{"HS512"}}})
		if len(made.Secret) < 64 {
			t.Errorf("the secret that is made has %d bytes", len(made.Secret))
		}
		_, err := o.Clients.RotateSecret(t.Context(), by, "hmac", admin.SecretRotation{Secret: strings.Repeat("x", 48)})
		wantFaults(t, err, "48 bytes", "assertion_algs")
		_, err = o.Clients.RotateSecret(t.Context(), by, "hmac", admin.SecretRotation{Secret: strings.Repeat("x", 64)})
		o.must(err)
	})
	t.Run("an update keeps it consistent", func(t *testing.T) {
		o.client(admin.NewClient{ID: "web", ClientInput: admin.ClientInput{AuthMethods: signs, JWKS: jwksWith(t, rs, ""), AssertionAlgs: []string{"PS256"}}})
		_, _, err := o.Clients.Update(t.Context(), by, "web", admin.ClientInput{JWKS: jwksWith(t, p256, "")})
		wantFaults(t, err, "jwks", "ES256", "PS256")
		_, _, err = o.Clients.Update(t.Context(), by, "web", admin.ClientInput{AuthMethods: []oauth.AuthMethod{"client_secret_basic"}})
		wantFaults(t, err, "assertion_algs: PS256", "private_key_jwt")
		updated, _, err := o.Clients.Update(t.Context(), by, "web", admin.ClientInput{JWKS: jwksWith(t, p256, ""), AssertionAlgs: []string{"ES256"}})
		o.must(err)
		if diff := cmp.Diff([]string{"ES256"}, updated.AssertionAlgs); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("what the settings do not take is told", func(t *testing.T) {
		o.Limits.AssertionAlgs = []string{"ES256"}
		_, warnings, err := o.Clients.Create(t.Context(), by, admin.NewClient{ClientInput: admin.ClientInput{AuthMethods: signs, JWKS: jwksWith(t, rs, ""), AssertionAlgs: []string{"PS256"}}})
		o.must(err)
		if !strings.Contains(said(warnings), "client-assertion-alg") {
			t.Errorf("warnings: %q", warnings)
		}
	})
}

// FAPI 2.0 Security Profile §5.3.2.1 and §5.4.1: a registration that contradicts the profile is
// refused, in create and in update.
func TestTheProfileOfAClient(t *testing.T) {
	o := newOffice(t)
	o.Clients.TakesCertificates, o.Clients.TrustsAuthorities = true, true
	rs, p256, p384, ed := keysOf(t)
	_, _, err := o.Resources.Create(t.Context(), by, admin.NewResource{ID: api, ResourceInput: admin.ResourceInput{Scopes: []string{"read"}, SigningAlg: ptr("ES256")}})
	o.must(err)
	fapi, no, yes := ptr("fapi2"), ptr(false), ptr(true)
	base := func(change func(*admin.ClientInput)) admin.ClientInput {
		f := admin.ClientInput{
			Profile: fapi, AuthMethods: []oauth.AuthMethod{"private_key_jwt"}, JWKS: jwksWith(t, rs, ""),
			Grants: []oauth.GrantType{"client_credentials"}, Scopes: []string{"read"}, Resources: []string{api},
		}
		change(&f)
		return f
	}
	subject := &admin.TLSSubject{Kind: "dn", Value: "CN=batch"}
	for _, test := range []struct {
		name    string
		change  func(*admin.ClientInput)
		refused []string // texts of the refusal; nil: it is accepted
	}{
		{"as it is meant", func(*admin.ClientInput) {}, nil},
		{"with its bindings and algorithms chosen", func(f *admin.ClientInput) { f.DPoPBound, f.AssertionAlgs = yes, []string{"PS256"} }, nil},
		{"by a key of P-256", func(f *admin.ClientInput) { f.JWKS = jwksWith(t, p256, "ES256") }, nil},
		{"by a key of Ed25519", func(f *admin.ClientInput) { f.JWKS = jwksWith(t, ed, "") }, nil},
		{"by keys that are fetched", func(f *admin.ClientInput) { f.JWKS, f.JWKSURI = nil, ptr("https://web.example.com/keys") }, nil},
		{"by a certificate of an authority", func(f *admin.ClientInput) {
			f.AuthMethods, f.JWKS, f.TLSSubject = []oauth.AuthMethod{oauth.AuthTLS}, nil, subject
		}, nil},
		{"by a certificate, with any key", func(f *admin.ClientInput) {
			f.AuthMethods, f.JWKS, f.Certificates = []oauth.AuthMethod{oauth.AuthSelfSignedTLS}, nil, [][]byte{o.certified(t, time.Hour)}
		}, nil},
		{"bound by proofs alone", func(f *admin.ClientInput) { f.TLSBound = no }, nil},
		{"a profile that there is not", func(f *admin.ClientInput) { f.Profile = ptr("fapi1") }, []string{"profile", "fapi2"}},
		{"the methods of a client without any (item 6)", func(f *admin.ClientInput) { f.AuthMethods, f.JWKS = nil, nil }, []string{"private_key_jwt", "client_secret_basic", "5.3.2.1"}},
		{"a secret beside (item 6)", func(f *admin.ClientInput) { f.AuthMethods = append(f.AuthMethods, "client_secret_post") }, []string{"client_secret_post"}},
		{"a secret that signs (item 6)", func(f *admin.ClientInput) { f.AuthMethods = []oauth.AuthMethod{oauth.AuthSecretJWT} }, []string{"client_secret_jwt"}},
		{"a public client (item 3)", func(f *admin.ClientInput) {
			f.AuthMethods, f.Grants = []oauth.AuthMethod{"none"}, []oauth.GrantType{oauth.JWTBearer}
		}, []string{"not by none"}},
		{"passwords (item 2)", func(f *admin.ClientInput) { f.Grants = append(f.Grants, "password") }, []string{"password among grants", "5.3.2.1"}},
		{"another audience (item 8)", func(f *admin.ClientInput) { f.EndpointAudience = yes }, []string{"accept_token_endpoint_audience"}},
		{"tokens that are not bound (items 4, 5)", func(f *admin.ClientInput) { f.TLSBound, f.DPoPBound = no, no }, []string{"dpop_bound=false", "tls_bound=false"}},
		{"RS256 (§5.4.1)", func(f *admin.ClientInput) { f.AssertionAlgs = []string{"PS256", "RS256"} }, []string{"RS256", "PS256, ES256, EdDSA", "5.4.1"}},
		{"ID tokens with RS256 (§5.4.1)", func(f *admin.ClientInput) { f.IDTokenAlg = ptr("RS256") }, []string{"id_token_signed_response_alg is RS256", "PS256, ES256, EdDSA", "5.4.1"}},
		{"userinfo with RS256 (§5.4.1)", func(f *admin.ClientInput) { f.UserinfoAlg = ptr("RS256") }, []string{"userinfo_signed_response_alg is RS256", "5.4.1"}},
		{"ES384 (§5.4.1)", func(f *admin.ClientInput) { f.JWKS = jwksWith(t, p384, "") }, []string{"jwks", "ES384"}},
		{"a key whose alg is RS256 (§5.4.1)", func(f *admin.ClientInput) { f.JWKS = jwksWith(t, rs, "RS256") }, []string{"jwks", "RS256"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			made, warnings, err := o.Clients.Create(t.Context(), by, admin.NewClient{ClientInput: base(test.change)})
			if test.refused != nil {
				wantFaults(t, err, test.refused...)
				return
			}
			o.must(err)
			if made.Profile != "fapi2" || made.Secret != "" || len(warnings) > 0 {
				t.Errorf("it is %+v, %q", made, warnings)
			}
			kept, err := o.store.Client(t.Context(), made.ClientID)
			o.must(err)
			if kept.Profile != store.ProfileFAPI2 || kept.IDTokenAlgorithm() != "ES256" { // §5.4.1
				t.Errorf("it is kept as %+v, with ID tokens by %s", kept, kept.IDTokenAlgorithm())
			}
		})
	}
	o.client(admin.NewClient{ID: "web", ClientInput: base(func(*admin.ClientInput) {})})
	for _, test := range []struct {
		name    string
		fields  admin.ClientInput
		refused []string
	}{
		{"a secret", admin.ClientInput{AuthMethods: []oauth.AuthMethod{"client_secret_basic"}}, []string{"profile: with fapi2", "client_secret_basic"}},
		{"another audience", admin.ClientInput{EndpointAudience: yes}, []string{"accept_token_endpoint_audience"}},
		{"passwords", admin.ClientInput{Grants: []oauth.GrantType{"password"}}, []string{"password among grants"}},
		{"RS256", admin.ClientInput{AssertionAlgs: []string{"RS256"}}, []string{"RS256"}},
		{"ID tokens with RS256", admin.ClientInput{ClientSignInInput: admin.ClientSignInInput{IDTokenAlg: ptr("RS256")}}, []string{"id_token_signed_response_alg is RS256"}},
		{"another key", admin.ClientInput{JWKS: jwksWith(t, p384, "")}, []string{"ES384"}},
		{"unbound tokens", admin.ClientInput{TLSBound: no, DPoPBound: no}, []string{"dpop_bound=false"}},
	} {
		t.Run("an update to "+test.name, func(t *testing.T) {
			_, _, err := o.Clients.Update(t.Context(), by, "web", test.fields)
			wantFaults(t, err, test.refused...)
		})
	}
	t.Run("an update that ends it", func(t *testing.T) {
		updated, _, err := o.Clients.Update(t.Context(), by, "web", admin.ClientInput{Profile: ptr(""), AuthMethods: []oauth.AuthMethod{"client_secret_basic"}})
		o.must(err)
		if updated.Profile != "" {
			t.Errorf("it is %+v", updated)
		}
		_, _, err = o.Clients.Update(t.Context(), by, "web", admin.ClientInput{Profile: fapi})
		wantFaults(t, err, "client_secret_basic")
	})
	t.Run("what else there is to the profile is told", func(t *testing.T) {
		o.Limits.ClockSkew = 2 * time.Minute
		_, warnings, err := o.Clients.Create(t.Context(), by, admin.NewClient{ClientInput: base(func(f *admin.ClientInput) { f.Resources = []string{self} })})
		o.must(err)
		for _, want := range []string{"clock-skew", "RS256", "resource create signing_alg"} {
			if !strings.Contains(said(warnings), want) {
				t.Errorf("%q does not tell of %s", warnings, want)
			}
		}
	})
}
