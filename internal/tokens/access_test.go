package tokens

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"authserver/internal/jose"
	"authserver/internal/keys"
	"authserver/internal/oauth"
	"authserver/internal/testkit"
)

func TestMintHeader(t *testing.T) {
	k := newKeyring(t)
	for alg, kid := range map[string]string{"RS256": "rsa-1", "ES256": "ec-1", "PS256": "pss-1", "ES384": "ec-2", "EdDSA": "ed-1"} {
		header, _, _ := parts(t, mint(t, newMinter(k), anAccess(alg)).Token)
		want := map[string]any{"typ": "at+jwt", "alg": alg, "kid": kid} // RFC 9068 §2.1, RFC 7515 §4.1.4
		if diff := cmp.Diff(want, object(t, header)); diff != "" {
			t.Errorf("%s: header (-want +got):\n%s", alg, diff)
		}
	}
}

// A token is encrypted to the present key of its resource.
func TestMintEncryptsToTheKeyOfNow(t *testing.T) {
	m, a := newMinter(newKeyring(t)), anAccess("ES256")
	first, second := testkit.P256(t), testkit.P256(t)
	for _, private := range []*ecdsa.PrivateKey{first, second, first} {
		registered, err := jose.CheckEncryptionKey(testkit.JWK(t, private.Public(), nil))
		if err != nil {
			t.Fatal(err)
		}
		a.Encryption = Encryption{JWK: string(registered), Enc: "A256GCM"}
		if _, err := jwe.Decrypt([]byte(mint(t, m, a).Token), jwe.WithKey(jwa.ECDH_ES, private)); err != nil {
			t.Error(err)
		}
	}
}

func TestMintClaims(t *testing.T) {
	const iat, nbf, exp = json.Number("1772366400"), json.Number("1772366370"), json.Number("1772367300")
	base := func(changes map[string]any) map[string]any {
		claims := map[string]any{
			"iss": issuer, "sub": "user-1", "aud": "https://api.example.com", "client_id": "web", "scope": "read write",
			"iat": iat, "nbf": nbf, "exp": exp,
		}
		for name, value := range changes {
			claims[name] = value
		}
		return claims
	}
	every := map[string]any{"tenant": "acme"}
	for _, name := range reservedClaims() {
		every[name] = "evil"
	}
	tests := []struct {
		name   string
		access func(*Access)
		want   map[string]any
	}{
		{"a token says what RFC 9068 section 2.2 requires and no more", func(*Access) {}, base(nil)},
		{"aud is an array for several resources", func(a *Access) { a.Audience = []string{"https://a.example", "https://b.example"} },
			base(map[string]any{"aud": []any{"https://a.example", "https://b.example"}})},
		{"scope is there when it is empty", func(a *Access) { a.Scope = nil }, base(map[string]any{"scope": ""})},
		{"roles and permissions are there where there are any", func(a *Access) { a.Roles, a.Permissions = []string{"admin"}, []string{"x:y"} },
			base(map[string]any{"roles": []any{"admin"}, "permissions": []any{"x:y"}})},
		{"empty roles and permissions are left out", func(a *Access) { a.Roles, a.Permissions = []string{}, []string{} }, base(nil)},
		{"custom claims override nothing that is reserved", func(a *Access) { a.Custom = every }, base(map[string]any{"tenant": "acme"})},
		{"custom claims keep their digits", func(a *Access) { a.Custom = map[string]any{"n": json.Number("12345678901234567890")} },
			base(map[string]any{"n": json.Number("12345678901234567890")})},
		{"the lifetime is cut to the longest", func(a *Access) { a.TTL = 24 * time.Hour }, base(map[string]any{"exp": json.Number("1772370000")})},
		{"the lifetime is whole seconds", func(a *Access) { a.TTL = 900*time.Second + 999*time.Millisecond }, base(nil)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := anAccess("ES256")
			test.access(&a)
			minted := mint(t, newMinter(newKeyring(t)), a)
			_, payload, _ := parts(t, minted.Token)
			got := object(t, payload)
			if got["jti"] != minted.ID || minted.ID == "" {
				t.Errorf("jti is %v, and the answer says %q", got["jti"], minted.ID)
			}
			delete(got, "jti")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMintSaysHowLongItIsGood(t *testing.T) {
	a := anAccess("ES256")
	for _, ttl := range []time.Duration{time.Second, 15 * time.Minute, 3 * time.Hour} {
		a.TTL = ttl
		minted := mint(t, newMinter(newKeyring(t)), a)
		_, payload, _ := parts(t, minted.Token)
		claims := object(t, payload)
		exp, _, _ := jose.NumericDate(claims, "exp")
		iat, _, _ := jose.NumericDate(claims, "iat")
		if lives := exp.Sub(iat); lives != minted.ExpiresIn { // RFC 6749 §5.1, expires_in
			t.Errorf("a token lives %s and expires_in is %s", lives, minted.ExpiresIn)
		}
	}
}

func TestMintRefuses(t *testing.T) {
	tests := []struct {
		name   string
		minter func(*Minter)
		access func(*Access)
		want   string
	}{
		{"no audience (RFC 9068 section 2.2: REQUIRED)", func(*Minter) {}, func(a *Access) { a.Audience = nil }, "no audience"},
		{"an algorithm without a key", func(*Minter) {}, func(a *Access) { a.Alg = "none" }, "no key for none"},
		{"a token too large for a header", func(*Minter) {}, func(a *Access) { a.Roles = []string{strings.Repeat("r", MaxAccessBytes)} }, "token_too_large"},
		{"a claim that is no JSON", func(*Minter) {}, func(a *Access) { a.Custom = map[string]any{"f": func() {}} }, "encode its claims"},
		{"no randomness", func(m *Minter) { m.Rand = iotest.ErrReader(errors.New("drained")) }, func(*Access) {}, "drained"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, a := newMinter(newKeyring(t)), anAccess("ES256")
			test.minter(m)
			test.access(&a)
			minted, err := m.Mint(noon, a)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Mint returned %v, want an error that says %q", err, test.want)
			}
			if minted.Token != "" {
				t.Error("Mint returned a token beside its error")
			}
		})
	}
	a := anAccess("ES256")
	a.Roles = []string{strings.Repeat("r", MaxAccessBytes)}
	_, err := newMinter(newKeyring(t)).Mint(noon, a)
	if refused := (*oauth.Error)(nil); !errors.As(err, &refused) || refused.Code != oauth.ServerError {
		t.Errorf("a token too large is %v, want a server_error that says what to do", err)
	}
}

// Others must be able to verify our tokens: the test uses another library's complete check, and the
// standard library's arithmetic.
func TestMintedTokensVerifyElsewhere(t *testing.T) {
	k := newKeyring(t)
	set := jwk.NewSet()
	for kid, public := range k.public {
		key, err := jwk.FromRaw(public.Key)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]any{jwk.KeyIDKey: kid, jwk.AlgorithmKey: jwa.SignatureAlgorithm(public.Alg)} {
			if err := key.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
		if err := set.AddKey(key); err != nil {
			t.Fatal(err)
		}
	}
	for _, alg := range keys.Algorithms() {
		for name, k := range map[string]keyring{"the key itself": k, "nothing but an interface": k.hidden()} {
			t.Run(alg+" signed by "+name, func(t *testing.T) {
				token := mint(t, newMinter(k), anAccess(alg)).Token
				parsed, err := jwt.Parse([]byte(token), jwt.WithKeySet(set), jwt.WithValidate(true),
					jwt.WithIssuer(issuer), jwt.WithAudience("https://api.example.com"),
					jwt.WithClock(jwt.ClockFunc(func() time.Time { return noon })))
				if err != nil || parsed.Subject() != "user-1" {
					t.Errorf("jwt.Parse: %v", err)
				}
				if _, err := newVerifier(k).Verify(noon, token); err != nil {
					t.Errorf("Verify: %v", err)
				}
				verifyByArithmetic(t, alg, k.signers[alg].Key.Public(), token)
			})
		}
	}
}

func verifyByArithmetic(t *testing.T, alg string, public crypto.PublicKey, token string) {
	t.Helper()
	_, _, signature := parts(t, token)
	input := []byte(token[:strings.LastIndexByte(token, '.')]) // RFC 7515 §5.2, the JWS Signing Input
	sum, sum384 := sha256.Sum256(input), sha512.Sum384(input)
	raw := func(digest []byte, size int) bool { // RFC 7518 §3.4: r and s of that size each
		return len(signature) == 2*size &&
			ecdsa.Verify(public.(*ecdsa.PublicKey), digest, new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:]))
	}
	good := false
	switch alg {
	case "RS256": // RFC 7518 §3.3
		good = rsa.VerifyPKCS1v15(public.(*rsa.PublicKey), crypto.SHA256, sum[:], signature) == nil
	case "PS256": // RFC 7518 §3.5: a salt as long as the hash
		good = rsa.VerifyPSS(public.(*rsa.PublicKey), crypto.SHA256, sum[:], signature, &rsa.PSSOptions{SaltLength: sha256.Size}) == nil
	case "ES256":
		good = raw(sum[:], 32)
	case "ES384":
		good = raw(sum384[:], 48)
	case "EdDSA": // RFC 8037 §3.1
		good = ed25519.Verify(public.(ed25519.PublicKey), input, signature)
	}
	if !good {
		t.Errorf("the %s signature of %d bytes does not verify", alg, len(signature))
	}
}

// A resource server whose clock is behind must not refuse a fresh token: "nbf" is back-dated, "iat"
// is the true time.
func TestMintBackdates(t *testing.T) {
	k := newKeyring(t)
	token := mint(t, newMinter(k), anAccess("ES256")).Token
	strict := &Verifier{Issuer: issuer, Keys: k}
	behind := noon.Add(-30 * time.Second).Truncate(time.Second)
	if _, err := strict.Verify(behind, token); err != nil {
		t.Errorf("a clock 30 s behind refuses it: %v", err)
	}
	if _, err := strict.Verify(behind.Add(-time.Second), token); err == nil {
		t.Error("a clock further behind than the back-dating accepts it")
	}
	if _, err := jws.Parse([]byte(token), jws.WithCompact()); err != nil {
		t.Error(err)
	}
}

func TestReserved(t *testing.T) {
	// RFC 7519 §4.1, RFC 9068 §2.2, and what introspection adds (RFC 7662 §2.2).
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "roles", "permissions", "active", "username", "token_type"} {
		if !Reserved(name) {
			t.Errorf("%q may be a custom claim", name)
		}
	}
	for _, name := range []string{"tenant", "ISS", "", "email"} {
		if Reserved(name) {
			t.Errorf("%q may not be a custom claim", name)
		}
	}
}
