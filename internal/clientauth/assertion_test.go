package clientauth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/testkit"
	"authserver/internal/trust/assertions"
)

const (
	self     = "https://as.example.com"
	endpoint = self + "/oauth2/token"
)

var clientKey = sync.OnceValue(newKey)

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

const hmacSecret = "a client secret of 32 bytes, no less"

// plain opens values that were never sealed.
type plain struct{}

func (plain) Open(sealed []byte, as string) ([]byte, error) {
	if !strings.HasPrefix(as, "clients/") {
		return nil, errors.New("sealed for another row")
	}
	return sealed, nil
}

func jwksOf(t testing.TB, public any) json.RawMessage {
	t.Helper()
	return testkit.JWKS(t, testkit.JWK(t, public, map[string]any{"kid": "k"}))
}

// signers returns clients that sign.
func signers(t testing.TB) *clientStore {
	t.Helper()
	byKey, bySecret := []oauth.AuthMethod{oauth.AuthPrivateKeyJWT}, []oauth.AuthMethod{oauth.AuthSecretJWT}
	sealed := store.ClientSecret{ID: "s", Kind: store.SecretSealed, Hash: []byte(hmacSecret)}
	over := store.ClientSecret{ID: "o", Kind: store.SecretSealed, Hash: []byte(strings.Repeat("x", 32)), ExpiresAt: noon}
	all := []store.Client{
		{ID: "job", AuthMethods: byKey, JWKS: jwksOf(t, clientKey().Public())},
		{ID: "legacy", AuthMethods: byKey, JWKS: jwksOf(t, clientKey().Public()), EndpointAudience: true},
		{ID: "off", AuthMethods: byKey, JWKS: jwksOf(t, clientKey().Public()), Disabled: true},
		{ID: "keyless", AuthMethods: byKey},
		{ID: "hmac", AuthMethods: append(bySecret, oauth.AuthBasic), Secrets: []store.ClientSecret{over, sealed}},
		{ID: "posts", AuthMethods: []oauth.AuthMethod{oauth.AuthPost}, JWKS: jwksOf(t, clientKey().Public()), Secrets: []store.ClientSecret{sealed}},
	}
	r := &clientStore{clients: make(map[string]store.Client)}
	for _, c := range all {
		r.clients[c.ID] = c
	}
	return r
}

func newSignedAuthenticator(t testing.TB) *Authenticator {
	t.Helper()
	signed := func(method oauth.AuthMethod) JWT {
		return JWT{
			Method: method, Verifier: &assertions.Verifier{Skew: time.Minute, Opener: plain{}},
			Issuer: self, Endpoints: []string{endpoint}, Rules: assertions.ClientRules{MaxLifetime: time.Hour},
		}
	}
	secrets := Secrets{Slow: verified(), Opener: plain{}}
	a, err := New(signers(t), SecretBasic{secrets}, SecretPost{secrets}, signed(oauth.AuthSecretJWT), signed(oauth.AuthPrivateKeyJWT), None{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// said returns the claims of a good assertion of "job", with changes; a nil one removes a claim.
func said(changes map[string]any) string {
	all := map[string]any{"iss": "job", "sub": "job", "aud": self, "jti": rand.Text(), "iat": noon.Unix(), "exp": noon.Add(time.Minute).Unix()}
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	data, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// forge signs a header and claims unchanged.
func forge(alg string, key any, header, payload string) string {
	signer, err := jws.NewSigner(jwa.SignatureAlgorithm(alg))
	if err != nil {
		panic(err)
	}
	input := b64(header) + "." + b64(payload)
	signature, err := signer.Sign([]byte(input), key)
	if err != nil {
		panic(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

const es256 = `{"alg":"ES256","kid":"k"}`

// signed returns an assertion of a client under the key of "job".
func signed(changes map[string]any) string { return forge("ES256", clientKey(), es256, said(changes)) }

func asClient(id string) map[string]any { return map[string]any{"iss": id, "sub": id} }

func withAssertion(t testing.TB, assertion string, more ...string) Request {
	t.Helper()
	values := url.Values{"client_assertion_type": {AssertionType}, "client_assertion": {assertion}}
	for i := 0; i < len(more); i += 2 {
		values.Set(more[i], more[i+1])
	}
	return Request{Form: form(t, values.Encode()), Now: noon}
}

func TestClientsThatSign(t *testing.T) {
	hs := func(alg string) string {
		return forge(alg, []byte(hmacSecret), `{"alg":"`+alg+`"}`, said(asClient("hmac")))
	}
	for _, test := range []struct {
		name      string
		assertion string
		more      []string
		client    string
		method    oauth.AuthMethod
	}{
		{"with a private key", signed(nil), nil, "job", oauth.AuthPrivateKeyJWT},
		{"and name themselves beside it", signed(nil), []string{"client_id", "job"}, "job", oauth.AuthPrivateKeyJWT},
		{"without naming the key", forge("ES256", clientKey(), `{"alg":"ES256"}`, said(nil)), nil, "job", oauth.AuthPrivateKeyJWT},
		{"with the type that RFC 7523bis gives it", forge("ES256", clientKey(), `{"alg":"ES256","typ":"client-authentication+jwt"}`, said(nil)), nil, "job", oauth.AuthPrivateKeyJWT},
		{"for us alone, in an array", signed(map[string]any{"aud": []string{self}}), nil, "job", oauth.AuthPrivateKeyJWT},
		{"for the token endpoint, where that is allowed", signed(map[string]any{"iss": "legacy", "sub": "legacy", "aud": endpoint}), nil, "legacy", oauth.AuthPrivateKeyJWT},
		{"without a jti", signed(map[string]any{"jti": nil}), nil, "job", oauth.AuthPrivateKeyJWT},
		{"with a secret", hs("HS256"), nil, "hmac", oauth.AuthSecretJWT},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := authenticate(t, newSignedAuthenticator(t), withAssertion(t, test.assertion, test.more...))
			if err != nil {
				t.Fatalf("refused: %v, %v", err, errors.Unwrap(err))
			}
			if got.Client == nil || got.Client.ID != test.client || got.Method != test.method {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestTheSecretThatSignsIsASecretTooElsewhere(t *testing.T) {
	a := newSignedAuthenticator(t)
	got, err := authenticate(t, a, Request{Authorization: basic("hmac:" + url.QueryEscape(hmacSecret)), Now: noon})
	if err != nil || got.Client == nil || got.Method != oauth.AuthBasic {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := authenticate(t, a, Request{Authorization: basic("hmac:" + strings.Repeat("x", 32)), Now: noon}); err == nil {
		t.Error("a secret is good after its end")
	}
}

// These refusals depend on the registration of the client. The log has the reason, and the answer
// is always the same. test/blackbox has the attacks on the JWT itself, for this method and for the
// grant.
func TestClientsThatAreNotBelieved(t *testing.T) {
	claim := func(name string, value any) string { return signed(map[string]any{name: value}) }
	for _, test := range []struct{ name, assertion, reason, why string }{
		{"a secret that is over", forge("HS256", []byte(strings.Repeat("x", 32)), `{"alg":"HS256"}`, said(asClient("hmac"))), "client_proof", "signature"},
		{"HS512, for which the secret is too short (RFC 7518 §3.2)", forge("HS512", []byte(hmacSecret), `{"alg":"HS512"}`, said(asClient("hmac"))), "client_proof", "none of the registered keys"},
		{"a key where the client is registered for a secret", forge("ES256", clientKey(), es256, said(asClient("posts"))), "client_auth_method", ""},
		{"a client that is not there", signed(asClient("unknown")), "client_unknown", ""},
		{"a client that is disabled", signed(asClient("off")), "client_disabled", ""},
		{"a client without keys", signed(asClient("keyless")), "client_proof", "none of the registered keys"},
		{"exp is too far ahead", claim("exp", noon.Add(3*time.Hour).Unix()), "client_proof", "lifetime is longer"},
		{"sub is not the client (RFC 7523 §3)", claim("sub", "alice"), "client_proof", "sub is not the client_id"},
		{"aud is the token endpoint (CVE-2025-27370)", claim("aud", endpoint), "client_proof", "aud must be"},
		{"aud has the token endpoint beside us", claim("aud", []string{self, endpoint}), "client_proof", "aud must be"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := authenticate(t, newSignedAuthenticator(t), withAssertion(t, test.assertion))
			var refused *oauth.Error
			if !errors.As(err, &refused) || refused.Code != oauth.InvalidClient || refused.Reason != test.reason {
				t.Fatalf("got %v, want invalid_client (%s)", err, test.reason)
			}
			if !strings.Contains(err.Error(), test.why) {
				t.Errorf("the log says %v, want %q", err, test.why)
			}
			if refused.Description != refuse("").Description {
				t.Errorf("the answer says %q", refused.Description)
			}
		})
	}
}

// RFC 7523 §3, item 7: an assertion is good once. The caller records its use.
func TestAClientAssertionNamesWhatIsGoodOnce(t *testing.T) {
	a := newSignedAuthenticator(t)
	seen := map[[32]byte]bool{}
	for _, assertion := range []string{signed(nil), signed(map[string]any{"jti": nil}), signed(map[string]any{"jti": nil, "iat": noon.Unix() + 1})} {
		for range 2 { // the authentication uses nothing up
			got, err := authenticate(t, a, withAssertion(t, assertion))
			if err != nil {
				t.Fatal(err)
			}
			if got.Use.Issuer != "clients/job" || !got.Use.ExpiresAt.Equal(noon.Add(3*time.Minute)) {
				t.Fatalf("got %+v", got.Use)
			}
			seen[got.Use.ID] = true
		}
	}
	if len(seen) != 3 {
		t.Errorf("three assertions have %d names", len(seen))
	}
	got, err := authenticate(t, a, Request{Authorization: basic("hmac:" + url.QueryEscape(hmacSecret)), Now: noon})
	if err != nil || got.Use != (store.Use{}) {
		t.Errorf("a secret is good once: %+v, %v", got, err)
	}
	if refused := UsedBefore(); refused.Code != oauth.InvalidClient || refused.Description != refuse("").Description || !strings.Contains(refused.Error(), "used before") {
		t.Errorf("a second use is refused with %v", refused)
	}
}

func TestHowAnAssertionIsPresented(t *testing.T) {
	twice := withAssertion(t, signed(nil))
	twice.Authorization = basic("hmac:x")
	for _, test := range []struct {
		name   string
		r      Request
		code   oauth.Code
		reason string
	}{
		{"without its type", Request{Form: form(t, "client_assertion=x")}, oauth.InvalidRequest, "client_assertion_incomplete"},
		{"a type alone", Request{Form: form(t, "client_assertion_type="+url.QueryEscape(AssertionType))}, oauth.InvalidRequest, "client_assertion_incomplete"},
		{"of another type, SAML", withAssertion(t, "x", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"), oauth.InvalidClient, "client_assertion_type"},
		{"beside Basic (RFC 6749 §2.3)", twice, oauth.InvalidRequest, "client_auth_twice"},
		{"beside a secret in the body", withAssertion(t, signed(nil), "client_id", "job", "client_secret", "x"), oauth.InvalidRequest, "client_auth_twice"},
		{"beside another client's name", withAssertion(t, signed(nil), "client_id", "other"), oauth.InvalidRequest, "client_id_differs"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.r.Now = noon
			_, err := authenticate(t, newSignedAuthenticator(t), test.r)
			var refused *oauth.Error
			if !errors.As(err, &refused) || refused.Code != test.code || refused.Reason != test.reason {
				t.Errorf("got %v, want %s (%s)", err, test.code, test.reason)
			}
		})
	}
}

// No input authenticates a client that did not sign it.
func FuzzClientAssertion(f *testing.F) {
	a := newSignedAuthenticator(f)
	for _, seed := range []string{
		b64(`{"alg":"none"}`) + "." + b64(said(nil)) + ".", b64(es256) + "." + b64(said(nil)) + ".AAAA",
		b64(`{"alg":"HS256"}`) + "." + b64(said(asClient("hmac"))) + "." + b64("tag"), "..", "a.b.c.d.e", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, assertion string) {
		values := url.Values{"client_assertion_type": {AssertionType}, "client_assertion": {assertion}}
		parsed, err := oauth.ParseForm("application/x-www-form-urlencoded", values.Encode())
		if err != nil {
			return
		}
		if got, err := authenticate(t, a, Request{Form: parsed, Now: noon}); err == nil && got.Client != nil {
			t.Errorf("%q authenticates %s", assertion, got.Client.ID)
		}
	})
}
