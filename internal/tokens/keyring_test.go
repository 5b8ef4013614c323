package tokens

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"authserver/internal/keys"
	"authserver/internal/store"
	"authserver/internal/testkit"
)

const issuer = "https://as.example.com"

// noon is the time of all events that need no other time. It is not a whole second, so that
// truncated moments show.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 654_321_000, time.UTC)

// keyring has real keys, as the manager of package keys does.
type keyring struct {
	signers map[string]keys.Signer    // by algorithm
	public  map[string]keys.PublicKey // by kid
}

func (k keyring) Signer(alg string) (keys.Signer, error) {
	s, ok := k.signers[alg]
	if !ok {
		return keys.Signer{}, fmt.Errorf("no key for %s", alg)
	}
	return s, nil
}

func (k keyring) Public(kid string) (keys.PublicKey, bool) {
	p, ok := k.public[kid]
	return p, ok
}

func (k keyring) ReadyFor(string) error { return nil }

func (k keyring) add(kid, alg string, private crypto.Signer) {
	k.signers[alg] = keys.Signer{KID: kid, Alg: alg, Key: private}
	k.public[kid] = keys.PublicKey{KID: kid, Alg: alg, Key: private.Public()}
}

// Making an RSA key takes long under the race detector, so all tests share two.
var rsaKey, pssKey = sync.OnceValue(makeRSAKey), sync.OnceValue(makeRSAKey)

func makeRSAKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func newKeyring(t *testing.T) keyring {
	t.Helper()
	k := keyring{signers: map[string]keys.Signer{}, public: map[string]keys.PublicKey{}}
	k.add("rsa-1", "RS256", rsaKey())
	k.add("ec-1", "ES256", newECKey(t))
	k.add("pss-1", "PS256", pssKey())
	for kid, alg := range map[string]string{"ec-2": "ES384", "ed-1": "EdDSA"} {
		k.add(kid, alg, newKey(t, alg))
	}
	return k
}

func newKey(t *testing.T, alg string) crypto.Signer {
	t.Helper()
	key, err := keys.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newECKey(t *testing.T) crypto.Signer { return newKey(t, "ES256") }

// opaque is a key that can only sign, like a key of a key management service or a hardware module.
type opaque struct{ hidden crypto.Signer }

func (o opaque) Public() crypto.PublicKey { return o.hidden.Public() }

func (o opaque) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return o.hidden.Sign(rand, digest, opts)
}

// hidden returns the keyring with every private key behind its interface.
func (k keyring) hidden() keyring {
	h := keyring{signers: map[string]keys.Signer{}, public: k.public}
	for alg, s := range k.signers {
		h.signers[alg] = keys.Signer{KID: s.KID, Alg: alg, Key: opaque{s.Key}}
	}
	return h
}

func newMinter(k keyring) *Minter {
	return &Minter{
		Issuer: issuer, Keys: k, Backdate: 30 * time.Second, MaxTTL: time.Hour, Rand: rand.Reader,
		Handles: &Handles{Keys: turns{1: make([]byte, 32)}},
	}
}

func newVerifier(k keyring) *Verifier {
	return &Verifier{Issuer: issuer, Keys: k, Skew: 10 * time.Second}
}

func anAccess(alg string) Access {
	return Access{
		Subject: "user-1", ClientID: "web", Audience: []string{"https://api.example.com"},
		Scope: []string{"read", "write"}, Alg: alg, TTL: 15 * time.Minute,
	}
}

func mint(t *testing.T, m *Minter, a Access) Minted {
	t.Helper()
	minted, err := m.Mint(noon, a)
	if err != nil {
		t.Fatal(err)
	}
	return minted
}

// parts are the three parts of a JWS in compact form, decoded.
func parts(t *testing.T, token string) (header, payload, signature []byte) {
	t.Helper()
	var decoded [3][]byte
	split := strings.Split(token, ".")
	if len(split) != len(decoded) {
		t.Fatalf("a token has %d parts", len(split))
	}
	for i, part := range split {
		var err error
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			t.Fatal(err)
		}
	}
	return decoded[0], decoded[1], decoded[2]
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func join(header, payload, signature []byte) string {
	return encode(header) + "." + encode(payload) + "." + encode(signature)
}

// object decodes a JSON object, with numbers as json.Number.
func object(t *testing.T, data []byte) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.UseNumber()
	var o map[string]any
	if err := decoder.Decode(&o); err != nil {
		t.Fatal(err)
	}
	return o
}

// forge signs any header and payload with a key, whatever they contain.
func forge(t *testing.T, s keys.Signer, header, payload string) string {
	t.Helper()
	return testkit.JWS(t, s.Alg, s.Key, header, payload)
}

// claimsOf returns the claims of a good token, with changes; a nil change removes the claim.
func claimsOf(t *testing.T, changes map[string]any) string {
	t.Helper()
	id, err := ID{Client: 1, Subject: 2}.encode(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{
		"iss": issuer, "sub": "user-1", "aud": "https://api.example.com", "client_id": "web", "scope": "read",
		"iat": noon.Unix(), "nbf": noon.Unix(), "exp": noon.Unix() + 900, "jti": id,
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	data, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func newFamily(t *testing.T) store.FamilyID {
	t.Helper()
	var id store.FamilyID
	if _, err := rand.Read(id[:]); err != nil {
		t.Fatal(err)
	}
	return id
}
