package tokens

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"authserver/internal/keys"
	"authserver/internal/store"
)

func TestVerifyAccepts(t *testing.T) {
	k := newKeyring(t)
	for _, alg := range keys.Algorithms() {
		t.Run(alg, func(t *testing.T) {
			a := anAccess(alg)
			a.Family, a.ClientNotBefore, a.SubjectNotBefore = newFamily(t), store.At(noon), store.At(noon.Add(time.Hour))
			a.Audience = []string{"https://a.example", "https://b.example"}
			minted := mint(t, newMinter(k), a)
			got, err := newVerifier(k).Verify(noon, minted.Token)
			if err != nil {
				t.Fatal(err)
			}
			want := Claims{
				Issuer: issuer, Subject: "user-1", Audience: a.Audience, ClientID: "web", ID: minted.ID,
				Parsed:    ID{Family: a.Family, Client: noon.UnixMilli(), Subject: noon.Add(time.Hour).UnixMilli()},
				ExpiresAt: noon.Truncate(time.Second).Add(a.TTL), KID: k.signers[alg].KID, All: got.All,
			}
			_, want.Payload, _ = parts(t, minted.Token)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
		})
	}
}

// header returns the header of our tokens, with changes of an attacker.
func header(alg, kid, rest string) string {
	return `{"alg":"` + alg + `","kid":"` + kid + `","typ":"at+jwt"` + rest + `}`
}

func TestVerifyRefuses(t *testing.T) {
	k := newKeyring(t)
	good := mint(t, newMinter(k), anAccess("ES256")).Token
	goodHeader, goodPayload, goodSignature := parts(t, good)
	es := k.signers["ES256"]
	signToken := func(changes map[string]any) string {
		return forge(t, es, header("ES256", "ec-1", ""), claimsOf(t, changes))
	}
	elsewhere := keys.Signer{KID: "ec-1", Alg: "ES256", Key: newECKey(t)}
	tests := []struct{ name, token, want string }{
		// RFC 8725 §3.1: the key decides the algorithm.
		{"alg none without a signature", encode([]byte(header("none", "ec-1", ""))) + "." + encode(goodPayload) + ".", "its alg"},
		{"alg None", join([]byte(header("None", "ec-1", "")), goodPayload, goodSignature), "its alg"},
		{"alg NONE", join([]byte(header("NONE", "ec-1", "")), goodPayload, nil), "its alg"},
		{"alg nOnE", join([]byte(header("nOnE", "ec-1", "")), goodPayload, []byte("x")), "its alg"},
		{"an empty alg", join([]byte(header("", "ec-1", "")), goodPayload, goodSignature), "has no alg"},
		{"no alg at all", forge(t, es, `{"kid":"ec-1","typ":"at+jwt"}`, claimsOf(t, nil)), "has no alg"},
		{"alg of another kind than text", forge(t, es, `{"alg":["ES256"],"kid":"ec-1","typ":"at+jwt"}`, claimsOf(t, nil)), "member alg"},
		{"HS256 with the RSA public key in PEM as the secret", hmacToken(t, pemOf(t), goodPayload), "its alg"},
		{"HS256 with the RSA public key in DER as the secret", hmacToken(t, derOf(t), goodPayload), "its alg"},
		{"ES384 in the header of a good ES256 signature", forge(t, es, header("ES384", "ec-1", ""), claimsOf(t, nil)), "its alg"},

		{"PS256 in the header of a token of an RS256 key", forge(t, k.signers["RS256"], header("PS256", "rsa-1", ""), claimsOf(t, nil)), "its alg"},
		{"an RS256 signature under a PS256 key", forge(t, keys.Signer{Alg: "RS256", Key: pssKey()}, header("PS256", "pss-1", ""), claimsOf(t, nil)), "signature"},
		{"a PS256 signature under an RS256 key", forge(t, keys.Signer{Alg: "PS256", Key: rsaKey()}, header("RS256", "rsa-1", ""), claimsOf(t, nil)), "signature"},
		{"PS256 with a salt shorter than the hash (RFC 7518 section 3.5)", salted(t, 31), "signature"},
		{"PS256 with the longest salt", salted(t, rsa.PSSSaltLengthAuto), "signature"},
		{"EdDSA under an EC key", forge(t, k.signers["EdDSA"], header("ES384", "ec-2", ""), claimsOf(t, nil)), "signature"},

		{"kid of another key of ours", forge(t, es, header("RS256", "rsa-1", ""), claimsOf(t, nil)), "signature"},
		{"kid of a key that is not published", forge(t, es, header("ES256", "ec-0", ""), claimsOf(t, nil)), "its key"},
		{"a kid that is a path", forge(t, es, header("ES256", "../../ec-1", ""), claimsOf(t, nil)), "its key"},
		{"no kid", forge(t, es, `{"alg":"ES256","typ":"at+jwt"}`, claimsOf(t, nil)), "its key"},
		{"a kid that is a number", forge(t, es, `{"alg":"ES256","kid":1,"typ":"at+jwt"}`, claimsOf(t, nil)), "member kid"},
		{"the right kid and a stranger's signature", forge(t, elsewhere, header("ES256", "ec-1", ""), claimsOf(t, nil)), "signature"},
		{"a stranger's key in the header", forge(t, elsewhere, header("ES256", "ec-1", `,"jwk":{"kty":"EC"}`), claimsOf(t, nil)), "signature"},

		// RFC 9068 §4, RFC 8725 §3.11.
		{"typ of another JWT", forge(t, es, `{"alg":"ES256","kid":"ec-1","typ":"logout+jwt"}`, claimsOf(t, nil)), "its typ"},
		{"no typ", forge(t, es, `{"alg":"ES256","kid":"ec-1"}`, claimsOf(t, nil)), "its typ"},
		{"typ that is a list", forge(t, es, `{"alg":"ES256","kid":"ec-1","typ":["at+jwt"]}`, claimsOf(t, nil)), "member typ"},

		{"another header", join(append(goodHeader, ' '), goodPayload, goodSignature), "signature"},
		{"another payload", join(goodHeader, []byte(claimsOf(t, map[string]any{"scope": "admin"})), goodSignature), "signature"},
		{"another signature", join(goodHeader, goodPayload, bytes.Repeat([]byte{7}, 64)), "signature"},
		{"no signature", join(goodHeader, goodPayload, nil), "signature"},
		{"a signature that is too short", join(goodHeader, goodPayload, goodSignature[:63]), "signature"},
		{"a signature that is too long", join(goodHeader, goodPayload, append(bytes.Clone(goodSignature), 0)), "signature"},
		{"a signature in ASN.1", join(goodHeader, goodPayload, asn1Signature(t, es, good)), "signature"},
		{"r is zero", join(goodHeader, goodPayload, append(make([]byte, 32), goodSignature[32:]...)), "signature"},
		{"s is zero", join(goodHeader, goodPayload, append(bytes.Clone(goodSignature[:32]), make([]byte, 32)...)), "signature"},
		{"r and s are zero (CVE-2022-21449)", join(goodHeader, goodPayload, make([]byte, 64)), "signature"},

		{"it has expired", signToken(map[string]any{"exp": noon.Unix() - 1}), "it expired"},
		{"it expires at this very second", signToken(map[string]any{"exp": noon.Unix()}), "it expired"},
		{"no exp", signToken(map[string]any{"exp": nil}), "its exp"},
		{"exp is text", signToken(map[string]any{"exp": "1999999999"}), "its exp"},
		{"exp is beyond all numbers", signToken(map[string]any{"exp": json.Number("1e400")}), "its exp"},
		{"nbf is further ahead than the skew", signToken(map[string]any{"nbf": noon.Unix() + 11}), "not valid before"},
		{"another issuer", signToken(map[string]any{"iss": "https://as.example.com/"}), "its issuer"},
		{"no issuer", signToken(map[string]any{"iss": nil}), "its issuer"},
		{"a list of issuers", signToken(map[string]any{"iss": []string{issuer}}), "its issuer"},
		{"jti is not ours", signToken(map[string]any{"jti": "c0ffee"}), "jti"},
		{"no jti", signToken(map[string]any{"jti": nil}), "jti"},

		// RFC 7515 §4, RFC 7519 §4: names must be unique.
		{"a claim stands twice", forge(t, es, header("ES256", "ec-1", ""), strings.Replace(claimsOf(t, nil), "{", `{"scope":"admin",`, 1)), "twice"},
		{"a claim stands twice in another spelling", forge(t, es, header("ES256", "ec-1", ""), strings.Replace(claimsOf(t, nil), "{", `{"\u0073cope":"admin",`, 1)), "twice"},
		{"a header stands twice", forge(t, es, header("ES256", "ec-1", `,"kid":"ec-1"`), claimsOf(t, nil)), "twice"},
		{"something stands after the claims", forge(t, es, header("ES256", "ec-1", ""), claimsOf(t, nil)+"{}"), "after"},
		{"the claims break off", forge(t, es, header("ES256", "ec-1", ""), strings.TrimSuffix(claimsOf(t, nil), "}")), "not JSON"},
		{"the claims are an array", forge(t, es, header("ES256", "ec-1", ""), "[]"), "not a JSON object"},
		{"the claims are null", forge(t, es, header("ES256", "ec-1", ""), "null"), "not a JSON object"},

		{"nothing", "", "three parts"},
		{"two parts", encode(goodHeader) + "." + encode(goodPayload), "three parts"},
		{"five parts, as of a JWE", good + ".AAAA.AAAA", "it is encrypted"},
		{"a dot before", "." + good, "three parts"},
		{"a dot behind", good + ".", "three parts"},
		{"the JSON serialisation (RFC 7515 section 7.2)", jsonToken(good), "three parts"},
		{"white space before", " " + good, "base64url"},
		{"a line break behind", good + "\n", "base64url"},
		{"a line break within", good[:20] + "\r\n" + good[20:], "base64url"},
		{"padding", good + "==", "base64url"},
		{"the other alphabet", standardAlphabet(t, k), "base64url"},
		{"larger than a header may be", strings.Repeat("a", MaxAccessBytes+1), "larger than"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := newVerifier(k).Verify(noon, test.token)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Verify returned %v, want an error that says %q", err, test.want)
			}
		})
	}
	if _, err := newVerifier(k).Verify(noon, good); err != nil {
		t.Errorf("the good token is refused: %v", err)
	}
}

// A token has one spelling: no other byte may give the same token.
func TestVerifyRefusesEveryOtherSpelling(t *testing.T) {
	k := newKeyring(t)
	token := mint(t, newMinter(k), anAccess("ES256")).Token
	v := newVerifier(k)
	for i := range token {
		for _, c := range []byte{token[i] ^ 1, token[i] ^ 2, token[i] ^ 4, token[i] ^ 32, 'A', '=', '.', '\n', 0, 0x80} {
			other := []byte(token)
			other[i] = c
			if string(other) == token {
				continue
			}
			if _, err := v.Verify(noon, string(other)); err == nil {
				t.Fatalf("byte %d may be %q instead of %q", i, c, token[i])
			}
		}
	}
}

func TestVerifyTimes(t *testing.T) {
	k := newKeyring(t)
	token := mint(t, newMinter(k), anAccess("ES256")).Token
	whole := noon.Truncate(time.Second)
	for _, test := range []struct {
		name string
		at   time.Time
		good bool
	}{
		{"a nanosecond before nbf less the skew", whole.Add(-40*time.Second - 1), false},
		{"at nbf less the skew", whole.Add(-40 * time.Second), true},
		{"a nanosecond before exp", whole.Add(15*time.Minute - 1), true},
		{"at exp (RFC 7519 section 4.1.4: on or after it MUST NOT be accepted)", whole.Add(15 * time.Minute), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := newVerifier(k).Verify(test.at, token); (err == nil) != test.good {
				t.Errorf("Verify returned %v", err)
			}
		})
	}
}

// A verified token is not accepted with another signature, at another time, or without its key.
func TestVerifyChecksATokenThatItKnows(t *testing.T) {
	k := newKeyring(t)
	a := anAccess("ES256")
	token, v := mint(t, newMinter(k), a).Token, newVerifier(k)
	_, _, signature := parts(t, token)
	for range 2 {
		if _, err := v.Verify(noon, token); err != nil {
			t.Fatal(err)
		}
	}
	signature[len(signature)-1] ^= 1
	changed := token[:strings.LastIndexByte(token, '.')+1] + base64.RawURLEncoding.EncodeToString(signature)
	for range 2 {
		if _, err := v.Verify(noon, changed); err == nil {
			t.Error("a signature was taken that is not the one which was good")
		}
	}
	if _, err := v.Verify(noon.Add(a.TTL), token); err == nil {
		t.Error("the token is good after it expired")
	}
	delete(k.public, k.signers["ES256"].KID)
	if _, err := v.Verify(noon, token); err == nil {
		t.Error("the token is good after its key was withdrawn")
	}
	if _, err := v.Verify(noon, changed); err == nil {
		t.Error("a token with another signature is good")
	}
}

// Errors must not repeat the token, because they go to the log.
func TestVerifyErrorsHoldNothingOfTheToken(t *testing.T) {
	k := newKeyring(t)
	token := mint(t, newMinter(k), anAccess("ES256")).Token
	for _, bad := range []string{token + "x", token[:len(token)-4] + "AAAA", "x" + token} {
		_, err := newVerifier(k).Verify(noon, bad)
		if err == nil {
			t.Fatal("a damaged token is accepted")
		}
		for part := range strings.SplitSeq(token, ".") {
			if strings.Contains(err.Error(), part[:12]) {
				t.Errorf("the error quotes the token: %v", err)
			}
		}
	}
}

func FuzzVerify(f *testing.F) {
	k := keyring{signers: map[string]keys.Signer{}, public: map[string]keys.PublicKey{}}
	k.add("rsa-1", "RS256", rsaKey())
	minted, err := newMinter(k).Mint(noon, anAccess("RS256"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{minted.Token, "", "..", "e30.e30.", jsonToken(minted.Token), minted.Token + ".", encode([]byte(`{"alg":"none"}`)) + ".e30."} {
		f.Add(seed)
	}
	v := newVerifier(k)
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := v.Verify(noon, token); err == nil && token != minted.Token {
			t.Errorf("accepted %q", token)
		}
	})
}

func hmacToken(t *testing.T, secret, payload []byte) string {
	t.Helper()
	headers := jws.NewHeaders()
	for name, value := range map[string]any{jws.TypeKey: AccessType, jws.KeyIDKey: "rsa-1"} {
		if err := headers.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	token, err := jws.Sign(payload, jws.WithKey(jwa.HS256, secret, jws.WithProtectedHeaders(headers)))
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

func derOf(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&rsaKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func pemOf(t *testing.T) []byte {
	t.Helper()
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: derOf(t)})
}

// asn1Signature returns a valid signature in the form that JOSE does not use (RFC 7518 §3.4).
func asn1Signature(t *testing.T, s keys.Signer, token string) []byte {
	t.Helper()
	sum := sha256.Sum256([]byte(token[:strings.LastIndexByte(token, '.')]))
	signature, err := s.Key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// salted returns a PS256 token whose signature has a salt of another length.
func salted(t *testing.T, salt int) string {
	t.Helper()
	input := encode([]byte(header("PS256", "pss-1", ""))) + "." + encode([]byte(claimsOf(t, nil)))
	sum := sha256.Sum256([]byte(input))
	signature, err := pssKey().Sign(rand.Reader, sum[:], &rsa.PSSOptions{SaltLength: salt, Hash: crypto.SHA256})
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + encode(signature)
}

func jsonToken(token string) string {
	split := strings.Split(token, ".")
	return `{"payload":"` + split[1] + `","protected":"` + split[0] + `","signature":"` + split[2] + `"}`
}

// standardAlphabet returns a good token whose signature is spelled with + and /.
func standardAlphabet(t *testing.T, k keyring) string {
	t.Helper()
	for range 100 {
		token := mint(t, newMinter(k), anAccess("ES256")).Token
		h, p, s := parts(t, token)
		if spelled := base64.RawStdEncoding.EncodeToString(s); strings.ContainsAny(spelled, "+/") {
			return encode(h) + "." + encode(p) + "." + spelled
		}
	}
	t.Fatal("no signature has a + or / in it")
	return ""
}
