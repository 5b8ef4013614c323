package bench

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"authserver/test/harness"
)

// keyIssuer signs with keys, and keyClient proves itself with one.
const (
	keyIssuer = "https://keys.example.com"
	keyClient = "signs"
)

// signers are the keys of those who sign what they send.
type signers struct {
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
}

func newSigners(b *testing.B, d *harness.Deployment) signers {
	b.Helper()
	var k signers
	var err error
	if k.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		b.Fatal(err)
	}
	if k.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		b.Fatal(err)
	}
	set := d.File("keys.jwks", jwks(b, k.rsa.Public(), k.ec.Public()))
	limits := []string{"--scope", "read", "--resource", apiRS256, "--resource", apiES256}
	d.Run(append([]string{"issuer", "create", "--iss", keyIssuer, "--require-client-auth=false", "--jwks-file", set}, limits...)...)
	d.Run(append([]string{"client", "create", "--id", keyClient, "--auth-method", "private_key_jwt", "--jwks-file", set, "--grant", "client_credentials"}, limits...)...)
	return k
}

func jwks(b *testing.B, keys ...crypto.PublicKey) string {
	b.Helper()
	set := jwk.NewSet()
	for _, raw := range keys {
		key, err := jwk.FromRaw(raw)
		if err != nil {
			b.Fatal(err)
		}
		if err := set.AddKey(key); err != nil {
			b.Fatal(err)
		}
	}
	data, err := json.Marshal(set)
	if err != nil {
		b.Fatal(err)
	}
	return string(data)
}

// signedRows are the benches of requests that bring something signed. The signature of
// the sender is made while the clock stands.
func signedRows(s *stage, floor floors) []row {
	bearer := func(alg jwa.SignatureAlgorithm, key func() any, resource string) func(*testing.B) func(*testing.B) {
		return func(*testing.B) func(*testing.B) {
			return func(b *testing.B) {
				values := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "resource": {resource}}
				values.Set("assertion", untimed(b, func() string { return signed(b, alg, key(), keyIssuer, "alice") }))
				s.MustToken(b, harness.Credentials{}, values)
			}
		}
	}
	return []row{
		{"JWTBearerRS256", floor.rs256, bearer(jwa.RS256, func() any { return s.keys.rsa }, apiRS256)},
		{"JWTBearerES256", floor.es256, bearer(jwa.ES256, func() any { return s.keys.ec }, apiES256)},
		{"PrivateKeyJWT", floor.es256, func(*testing.B) func(*testing.B) {
			return func(b *testing.B) {
				values := clientCredentials(apiES256)
				values.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
				values.Set("client_assertion", untimed(b, func() string { return signed(b, jwa.ES256, s.keys.ec, keyClient, keyClient) }))
				s.MustToken(b, harness.Credentials{}, values)
			}
		}},
		{"DPoP", floor.es256, func(b *testing.B) func(*testing.B) {
			return func(b *testing.B) {
				request := untimed(b, func() *http.Request { return s.proving(b) })
				if answer := harness.Do(b, request); answer.Status != http.StatusOK {
					b.Fatalf("%d %s", answer.Status, answer.Raw)
				}
			}
		}},
	}
}

// untimed does what is not the server's work.
func untimed[T any](b *testing.B, work func() T) T {
	b.Helper()
	b.StopTimer()
	defer b.StartTimer()
	return work()
}

func signed(b *testing.B, alg jwa.SignatureAlgorithm, key any, iss, sub string) string {
	b.Helper()
	now := time.Now()
	token, err := jwt.NewBuilder().Issuer(iss).Subject(sub).Audience([]string{harness.Issuer}).
		IssuedAt(now).Expiration(now.Add(time.Minute)).JwtID(uuid.NewString()).Build()
	if err != nil {
		b.Fatal(err)
	}
	text, err := jwt.Sign(token, jwt.WithKey(alg, key))
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

// proving is a client_credentials request with a proof of possession.
func (s *stage) proving(b *testing.B) *http.Request {
	b.Helper()
	public, err := jwk.FromRaw(s.keys.ec.Public())
	if err != nil {
		b.Fatal(err)
	}
	headers := jws.NewHeaders()
	for name, value := range map[string]any{jws.TypeKey: "dpop+jwt", jws.JWKKey: public} {
		if err := headers.Set(name, value); err != nil {
			b.Fatal(err)
		}
	}
	claims, err := json.Marshal(map[string]any{"jti": uuid.NewString(), "htm": "POST", "htu": harness.Issuer + "/oauth2/token", "iat": time.Now().Unix()})
	if err != nil {
		b.Fatal(err)
	}
	proof, err := jws.Sign(claims, jws.WithKey(jwa.ES256, s.keys.ec, jws.WithProtectedHeaders(headers)))
	if err != nil {
		b.Fatal(err)
	}
	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.URL+"/oauth2/token", strings.NewReader(clientCredentials(apiES256).Encode()))
	if err != nil {
		b.Fatal(err)
	}
	request.SetBasicAuth(s.client.ID, s.client.Secret)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("DPoP", string(proof))
	return request
}
