package assertions

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"authserver/internal/store"
	"authserver/internal/testkit"
)

const (
	idp  = "https://idp.example.com"
	self = "https://as.example.com"
	skew = time.Minute
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Making an RSA key takes long under the race detector, so all tests share one.
var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey  = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P256()) })
	edKey  = sync.OnceValue(func() ed25519.PrivateKey {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return must(private, err)
	})
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newEC(curve elliptic.Curve) *ecdsa.PrivateKey {
	return must(ecdsa.GenerateKey(curve, rand.Reader))
}

// box opens the values that are sealed for one issuer.
type box struct {
	as     string
	secret []byte
	err    error
}

func (b box) Open(_ []byte, as string) ([]byte, error) {
	if as != b.as {
		return nil, errors.New("sealed for another row")
	}
	return b.secret, b.err
}

var secret = []byte("a shared secret of 32 bytes or more")

func newVerifier() *Verifier {
	return &Verifier{
		Skew:   skew,
		Opener: box{as: store.SealedAs("issuers", idp), secret: secret},
	}
}

// jwkOf returns a public key as a JWK, with more members.
func jwkOf(t testing.TB, public crypto.PublicKey, members map[string]any) map[string]any {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal(testkit.JWK(t, public, nil), &all); err != nil {
		t.Fatal(err)
	}
	maps.Copy(all, members)
	return all
}

func jwks(t testing.TB, keys ...map[string]any) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// newIssuer returns a registration with the keys r1 (RS256) and e1 (ES256).
func newIssuer(t testing.TB) store.Issuer {
	t.Helper()
	return store.Issuer{
		ID: idp, Iss: idp,
		JWKS: jwks(t,
			jwkOf(t, rsaKey().Public(), map[string]any{"kid": "r1"}),
			jwkOf(t, ecKey().Public(), map[string]any{"kid": "e1"})),
		Algorithms:   []string{"RS256", "ES256"},
		SubjectClaim: "sub", SubjectKind: store.SubjectUser, MaxLifetime: time.Hour,
	}
}

// claims returns the claims of a good assertion, with changes; a nil one removes a claim.
func claims(changes map[string]any) map[string]any {
	all := map[string]any{
		"iss": idp, "sub": "alice", "aud": self, "jti": "1",
		"iat": noon.Unix(), "exp": noon.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// forge signs a header and claims unchanged, whatever they contain.
func forge(t testing.TB, alg string, key any, header, payload string) string {
	t.Helper()
	return testkit.JWS(t, alg, key, header, payload)
}

// e1 signs with the registered key e1.
func e1(t testing.TB, changes map[string]any) string {
	t.Helper()
	return forge(t, "ES256", ecKey(), `{"alg":"ES256","kid":"e1"}`, asJSON(t, claims(changes)))
}

// certify makes a self-signed certificate.
func certify(t testing.TB, key crypto.Signer, from, until time.Time) []byte {
	t.Helper()
	return testkit.SelfSigned(t, x509.Certificate{
		SerialNumber: big.NewInt(from.Unix()), Subject: pkix.Name{CommonName: idp}, NotBefore: from, NotAfter: until,
	}, key).Raw
}

// check is Parse and Verify.
func check(v *Verifier, now time.Time, assertion string, issuer store.Issuer) (Assertion, error) {
	parsed, err := Parse(assertion, GrantTypes())
	if err != nil {
		return Assertion{}, err
	}
	return v.Verify(context.Background(), now, parsed, OfIssuer(issuer, []string{self, self + "/oauth2/token"}))
}

// refused requires an error with the given text that is not a fault of the server.
func refused(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want an error that says %q", err, want)
	}
	if fault := (*Fault)(nil); errors.As(err, &fault) {
		t.Errorf("%v is a fault of the server, not of the assertion", err)
	}
}
