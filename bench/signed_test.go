package bench

import (
	"crypto"
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"authserver/internal/keys"
	"authserver/internal/keys/signers"
	"authserver/test/harness"
)

// The names of requests that clients sign.
const (
	keyIssuer = "https://keys.example.com"
	keyClient = "signs"
)

// signingKeys are those of the senders, by algorithm.
type signingKeys map[string]crypto.Signer

// register makes an issuer and a client with keys.
func register(b testing.TB, d *harness.Deployment) signingKeys {
	b.Helper()
	made := signingKeys{}
	set := jwk.NewSet()
	for _, alg := range []string{keys.RS256, keys.ES256} {
		private, err := keys.Generate(alg)
		if err != nil {
			b.Fatal(err)
		}
		if made[alg], err = signers.For(private); err != nil {
			b.Fatal(err)
		}
		if err := set.AddKey(public(b, private)); err != nil {
			b.Fatal(err)
		}
	}
	text, err := json.Marshal(set)
	if err != nil {
		b.Fatal(err)
	}
	file := d.File("keys.jwks", string(text))
	limits := []string{"--scope", "read", "--resource", apiRS256, "--resource", apiES256}
	d.Run(append([]string{"issuer", "create", "--iss", keyIssuer, "--require-client-auth=false", "--jwks-file", file}, limits...)...)
	d.Run(append([]string{"client", "create", "--id", keyClient, "--auth-method", "private_key_jwt", "--jwks-file", file, "--grant", "client_credentials"}, limits...)...)
	return made
}

func public(b testing.TB, private crypto.Signer) jwk.Key {
	b.Helper()
	key, err := jwk.FromRaw(private.Public())
	if err != nil {
		b.Fatal(err)
	}
	return key
}

// sign makes a JWT.
func (k signingKeys) sign(b testing.TB, alg string, header map[string]any, claims map[string]any) string {
	b.Helper()
	headers := jws.NewHeaders()
	for name, value := range header {
		if err := headers.Set(name, value); err != nil {
			b.Fatal(err)
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		b.Fatal(err)
	}
	token, err := jws.Sign(payload, jws.WithKey(jwa.SignatureAlgorithm(alg), k[alg], jws.WithProtectedHeaders(headers)))
	if err != nil {
		b.Fatal(err)
	}
	return string(token)
}

// assertion returns an assertion that is good once (RFC 7523 §3).
func (k signingKeys) assertion(b testing.TB, alg, iss, sub string) string {
	b.Helper()
	now := time.Now()
	return k.sign(b, alg, nil, map[string]any{
		"iss": iss, "sub": sub, "aud": harness.Issuer, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": uuid.NewString(),
	})
}

// bearer returns a request with an assertion of the issuer.
func (s *stage) bearer(b testing.TB, alg, resource string) []byte {
	return s.post(b, "/oauth2/token", harness.Credentials{}, url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "resource": {resource},
		"assertion": {s.keys.assertion(b, alg, keyIssuer, "alice")},
	})
}

// keyed returns a request of the client that authenticates with a key.
func (s *stage) keyed(b testing.TB) []byte {
	form := clientCredentials(apiES256)
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", s.keys.assertion(b, keys.ES256, keyClient, keyClient))
	return s.post(b, "/oauth2/token", harness.Credentials{}, form)
}

// proving returns a request with a proof of possession (RFC 9449 §4.2).
func (s *stage) proving(b testing.TB) []byte {
	proof := s.keys.sign(b, keys.ES256, map[string]any{jws.TypeKey: "dpop+jwt", jws.JWKKey: public(b, s.keys[keys.ES256])}, map[string]any{
		"jti": uuid.NewString(), "htm": "POST", "htu": harness.Issuer + "/oauth2/token", "iat": time.Now().Unix(),
	})
	return s.post(b, "/oauth2/token", s.client, clientCredentials(apiES256), "DPoP", proof)
}
