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
	"authserver/internal/store"
	"authserver/internal/testkit"
)

// jwksWith is a key set of one public key, with an alg where one is given.
func jwksWith(t *testing.T, public any, alg string) []byte {
	t.Helper()
	members := map[string]any{"kid": "k"}
	if alg != "" {
		members["alg"] = alg
	}
	return testkit.JWKS(t, testkit.JWK(t, public, members))
}

// keysOf are public keys by what they are.
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
	signs, hmac := []string{"private_key_jwt"}, []string{"client_secret_jwt"}
	for _, test := range []struct {
		name    string
		fields  admin.ClientFields
		refused []string // words of the refusal; nil: it is taken
		want    []string
	}{
		{"those that are chosen", admin.ClientFields{AuthMethods: signs, JWKS: jwksWith(t, rs, ""), AssertionAlgs: []string{"PS256", "PS512", "PS256"}}, nil, []string{"PS256", "PS512"}},
		{"none in particular", admin.ClientFields{AuthMethods: signs, JWKS: jwksWith(t, rs, ""), AssertionAlgs: []string{}}, nil, nil},
		{"of both methods", admin.ClientFields{AuthMethods: append(signs, hmac...), JWKS: jwksWith(t, p256, "ES256"), AssertionAlgs: []string{"ES256", "HS512"}}, nil, []string{"ES256", "HS512"}},
		{"of keys that are fetched", admin.ClientFields{AuthMethods: signs, JWKSURI: ptr("https://web.example.com/keys"), AssertionAlgs: []string{"EdDSA"}}, nil, []string{"EdDSA"}},
		{"one that there is not", admin.ClientFields{AuthMethods: signs, JWKS: jwksWith(t, rs, ""), AssertionAlgs: []string{"none"}}, []string{"--assertion-alg", "PS256"}, nil},
		{"one of another method", admin.ClientFields{AuthMethods: signs, JWKS: jwksWith(t, rs, ""), AssertionAlgs: []string{"HS256"}}, []string{"--assertion-alg HS256", "client_secret_jwt"}, nil},
		{"one of no method", admin.ClientFields{AssertionAlgs: []string{"RS256"}}, []string{"--assertion-alg RS256", "private_key_jwt"}, nil},
		{"none of one of two methods", admin.ClientFields{AuthMethods: append(signs, hmac...), JWKS: jwksWith(t, rs, ""), AssertionAlgs: []string{"HS256"}}, []string{"private_key_jwt", "--assertion-alg"}, nil},
		{"one that no key can do", admin.ClientFields{AuthMethods: signs, JWKS: jwksWith(t, p384, ""), AssertionAlgs: []string{"ES256"}}, []string{"--jwks-file", "ES384", "ES256"}, nil},
		{"one that a key may not do by its alg", admin.ClientFields{AuthMethods: signs, JWKS: jwksWith(t, rs, "RS256"), AssertionAlgs: []string{"PS256"}}, []string{"--jwks-file", "RS256", "PS256"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			made, _, err := o.CreateClient(t.Context(), by, admin.NewClient{ClientFields: test.fields})
			if test.refused != nil {
				wantInvalid(t, err, test.refused...)
				return
			}
			o.must(err)
			if diff := cmp.Diff(test.want, made.AssertionAlgs); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("a secret is as long as the hash", func(t *testing.T) {
		made := o.client(admin.NewClient{ID: "hmac", ClientFields: admin.ClientFields{AuthMethods: hmac, AssertionAlgs: []string{"HS512"}}})
		if len(made.Secret) < 64 {
			t.Errorf("the secret that is made has %d bytes", len(made.Secret))
		}
		_, err := o.RotateSecret(t.Context(), by, "hmac", admin.SecretRotation{Secret: strings.Repeat("x", 48)})
		wantInvalid(t, err, "48 bytes", "--assertion-alg")
		_, err = o.RotateSecret(t.Context(), by, "hmac", admin.SecretRotation{Secret: strings.Repeat("x", 64)})
		o.must(err)
	})
	t.Run("an update keeps it consistent", func(t *testing.T) {
		o.client(admin.NewClient{ID: "web", ClientFields: admin.ClientFields{AuthMethods: signs, JWKS: jwksWith(t, rs, ""), AssertionAlgs: []string{"PS256"}}})
		_, _, err := o.UpdateClient(t.Context(), by, "web", admin.ClientFields{JWKS: jwksWith(t, p256, "")})
		wantInvalid(t, err, "--jwks-file", "ES256", "PS256")
		_, _, err = o.UpdateClient(t.Context(), by, "web", admin.ClientFields{AuthMethods: []string{"client_secret_basic"}})
		wantInvalid(t, err, "--assertion-alg PS256", "private_key_jwt")
		updated, _, err := o.UpdateClient(t.Context(), by, "web", admin.ClientFields{JWKS: jwksWith(t, p256, ""), AssertionAlgs: []string{"ES256"}})
		o.must(err)
		if diff := cmp.Diff([]string{"ES256"}, updated.AssertionAlgs); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("what the settings do not take is told", func(t *testing.T) {
		o.Limits.AssertionAlgs = []string{"ES256"}
		_, warnings, err := o.CreateClient(t.Context(), by, admin.NewClient{ClientFields: admin.ClientFields{AuthMethods: signs, JWKS: jwksWith(t, rs, ""), AssertionAlgs: []string{"PS256"}}})
		o.must(err)
		if !strings.Contains(said(warnings), "client-assertion-alg") {
			t.Errorf("warnings: %q", warnings)
		}
	})
}

// FAPI 2.0 Security Profile §5.3.2.1 and §5.4.1: a registration that contradicts the
// profile is refused, when it is made and when it is changed.
func TestTheProfileOfAClient(t *testing.T) {
	o := newOffice(t)
	o.TakesCertificates, o.TrustsAuthorities = true, true
	rs, p256, p384, ed := keysOf(t)
	_, _, err := o.CreateResource(t.Context(), by, admin.NewResource{ID: api, ResourceInput: admin.ResourceInput{Scopes: []string{"read"}, SigningAlg: ptr("ES256")}})
	o.must(err)
	fapi, no, yes := ptr("fapi2"), ptr(false), ptr(true)
	base := func(change func(*admin.ClientFields)) admin.ClientFields {
		f := admin.ClientFields{
			Profile: fapi, AuthMethods: []string{"private_key_jwt"}, JWKS: jwksWith(t, rs, ""),
			Grants: []string{"client_credentials"}, Scopes: []string{"read"}, Resources: []string{api},
		}
		change(&f)
		return f
	}
	subject := &admin.TLSSubject{Kind: "dn", Value: "CN=batch"}
	for _, test := range []struct {
		name    string
		change  func(*admin.ClientFields)
		refused []string // words of the refusal; nil: it is taken
	}{
		{"as it is meant", func(*admin.ClientFields) {}, nil},
		{"with its bindings and algorithms chosen", func(f *admin.ClientFields) { f.DPoPBound, f.AssertionAlgs = yes, []string{"PS256"} }, nil},
		{"by a key of P-256", func(f *admin.ClientFields) { f.JWKS = jwksWith(t, p256, "ES256") }, nil},
		{"by a key of Ed25519", func(f *admin.ClientFields) { f.JWKS = jwksWith(t, ed, "") }, nil},
		{"by keys that are fetched", func(f *admin.ClientFields) { f.JWKS, f.JWKSURI = nil, ptr("https://web.example.com/keys") }, nil},
		{"by a certificate of an authority", func(f *admin.ClientFields) {
			f.AuthMethods, f.JWKS, f.TLSSubject = []string{"tls_client_auth"}, nil, subject
		}, nil},
		{"by a certificate, with any key", func(f *admin.ClientFields) {
			f.AuthMethods, f.JWKS, f.Certificates = []string{"self_signed_tls_client_auth"}, nil, [][]byte{o.certified(t, time.Hour)}
		}, nil},
		{"bound by proofs alone", func(f *admin.ClientFields) { f.TLSBound = no }, nil},
		{"a profile that there is not", func(f *admin.ClientFields) { f.Profile = ptr("fapi1") }, []string{"--profile", "fapi2"}},
		{"the methods of a client without any (item 6)", func(f *admin.ClientFields) { f.AuthMethods, f.JWKS = nil, nil }, []string{"--auth-method private_key_jwt", "client_secret_basic", "5.3.2.1"}},
		{"a secret beside (item 6)", func(f *admin.ClientFields) { f.AuthMethods = append(f.AuthMethods, "client_secret_post") }, []string{"client_secret_post"}},
		{"a secret that signs (item 6)", func(f *admin.ClientFields) { f.AuthMethods = []string{"client_secret_jwt"} }, []string{"client_secret_jwt"}},
		{"a public client (item 3)", func(f *admin.ClientFields) { f.AuthMethods, f.Grants = []string{"none"}, []string{"jwt-bearer"} }, []string{"not by none"}},
		{"passwords (item 2)", func(f *admin.ClientFields) { f.Grants = append(f.Grants, "password") }, []string{"--grant password", "5.3.2.1"}},
		{"another audience (item 8)", func(f *admin.ClientFields) { f.EndpointAudience = yes }, []string{"--accept-token-endpoint-audience"}},
		{"tokens that are not bound (items 4, 5)", func(f *admin.ClientFields) { f.TLSBound, f.DPoPBound = no, no }, []string{"--dpop-bound=false", "--tls-bound=false"}},
		{"RS256 (§5.4.1)", func(f *admin.ClientFields) { f.AssertionAlgs = []string{"PS256", "RS256"} }, []string{"RS256", "PS256, ES256, EdDSA", "5.4.1"}},
		{"ES384 (§5.4.1)", func(f *admin.ClientFields) { f.JWKS = jwksWith(t, p384, "") }, []string{"--jwks-file", "ES384"}},
		{"a key whose alg is RS256 (§5.4.1)", func(f *admin.ClientFields) { f.JWKS = jwksWith(t, rs, "RS256") }, []string{"--jwks-file", "RS256"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			made, warnings, err := o.CreateClient(t.Context(), by, admin.NewClient{ClientFields: base(test.change)})
			if test.refused != nil {
				wantInvalid(t, err, test.refused...)
				return
			}
			o.must(err)
			if made.Profile != "fapi2" || made.Secret != "" || len(warnings) > 0 {
				t.Errorf("it is %+v, %q", made, warnings)
			}
			kept, err := o.store.Client(t.Context(), made.ClientID)
			o.must(err)
			if kept.Profile != store.ProfileFAPI2 {
				t.Errorf("it is kept as %+v", kept)
			}
		})
	}
	o.client(admin.NewClient{ID: "web", ClientFields: base(func(*admin.ClientFields) {})})
	for _, test := range []struct {
		name    string
		fields  admin.ClientFields
		refused []string
	}{
		{"a secret", admin.ClientFields{AuthMethods: []string{"client_secret_basic"}}, []string{"--profile fapi2", "client_secret_basic"}},
		{"another audience", admin.ClientFields{EndpointAudience: yes}, []string{"--accept-token-endpoint-audience"}},
		{"passwords", admin.ClientFields{Grants: []string{"password"}}, []string{"--grant password"}},
		{"RS256", admin.ClientFields{AssertionAlgs: []string{"RS256"}}, []string{"RS256"}},
		{"another key", admin.ClientFields{JWKS: jwksWith(t, p384, "")}, []string{"ES384"}},
		{"unbound tokens", admin.ClientFields{TLSBound: no, DPoPBound: no}, []string{"--dpop-bound=false"}},
	} {
		t.Run("an update to "+test.name, func(t *testing.T) {
			_, _, err := o.UpdateClient(t.Context(), by, "web", test.fields)
			wantInvalid(t, err, test.refused...)
		})
	}
	t.Run("an update that ends it", func(t *testing.T) {
		updated, _, err := o.UpdateClient(t.Context(), by, "web", admin.ClientFields{Profile: ptr(""), AuthMethods: []string{"client_secret_basic"}})
		o.must(err)
		if updated.Profile != "" {
			t.Errorf("it is %+v", updated)
		}
		_, _, err = o.UpdateClient(t.Context(), by, "web", admin.ClientFields{Profile: fapi})
		wantInvalid(t, err, "client_secret_basic")
	})
	t.Run("what else there is to the profile is told", func(t *testing.T) {
		o.Limits.ClockSkew = 2 * time.Minute
		_, warnings, err := o.CreateClient(t.Context(), by, admin.NewClient{ClientFields: base(func(f *admin.ClientFields) { f.Resources = []string{self} })})
		o.must(err)
		for _, want := range []string{"clock-skew", "RS256"} {
			if !strings.Contains(said(warnings), want) {
				t.Errorf("%q does not tell of %s", warnings, want)
			}
		}
	})
}
