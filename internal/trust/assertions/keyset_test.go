package assertions

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"authserver/internal/jose"
	"authserver/internal/store"
)

func TestSignAndVerifyEveryAlgorithm(t *testing.T) {
	keys := map[string]crypto.Signer{
		"RS": rsaKey(), "PS": rsaKey(), "Ed": edKey(),
		"ES256": ecKey(), "ES384": newEC(elliptic.P384()), "ES512": newEC(elliptic.P521()),
	}
	for _, alg := range jose.Algorithms() {
		t.Run(alg, func(t *testing.T) {
			key, ok := keys[alg]
			if !ok {
				key = keys[alg[:2]]
			}
			assertion, err := Sign("JWT", SigningKey{Key: key, Alg: alg, KID: "k"}, claims(nil))
			if err != nil {
				t.Fatal(err)
			}
			issuer := newIssuer(t)
			issuer.Algorithms = []string{alg}
			issuer.JWKS = jwks(t, jwkOf(t, key.Public(), map[string]any{"kid": "k"}))
			if got, err := check(newVerifier(), noon, assertion, issuer); err != nil || got.Subject != "alice" {
				t.Errorf("got %v, %v", got, err)
			}
			for _, other := range jose.Algorithms() { // RFC 8725 §3.1
				if issuer.Algorithms = []string{other}; other == alg {
					continue
				}
				if _, err := check(newVerifier(), noon, assertion, issuer); err == nil {
					t.Errorf("an issuer registered with %s may use %s", other, alg)
				}
			}
		})
	}
}

func TestSharedSecret(t *testing.T) {
	issuer := newIssuer(t)
	issuer.JWKS, issuer.SealedSecret, issuer.Algorithms = nil, []byte("sealed"), []string{"HS256"}
	good, err := Sign("JWT", SigningKey{Key: secret}, claims(nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check(newVerifier(), noon, good, issuer); err != nil {
		t.Errorf("refused: %v", err)
	}
	guessed, err := Sign("JWT", SigningKey{Key: []byte(strings.Repeat("x", jose.MinSecretBytes))}, claims(nil))
	if err != nil {
		t.Fatal(err)
	}
	_, err = check(newVerifier(), noon, guessed, issuer)
	refused(t, err, noSignature)
	_, err = check(newVerifier(), noon, forge(t, "HS512", secret, `{"alg":"HS512"}`, asJSON(t, claims(nil))), issuer)
	refused(t, err, notRegistered)
	issuer.Algorithms = []string{"HS256", "RS256"} // no issuer can be registered like this
	_, err = check(newVerifier(), noon, forge(t, "RS256", rsaKey(), `{"alg":"RS256"}`, asJSON(t, claims(nil))), issuer)
	refused(t, err, noKey)
}

// Any attacker can make a second valid signature from an ECDSA signature: (r, n-s). Without a jti
// it must not be a second assertion.
func TestMalleatedSignatureIsTheSameAssertion(t *testing.T) {
	good := e1(t, map[string]any{"jti": nil})
	dot := strings.LastIndexByte(good, '.')
	signature, err := base64.RawURLEncoding.DecodeString(good[dot+1:])
	if err != nil {
		t.Fatal(err)
	}
	s := new(big.Int).SetBytes(signature[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(signature[32:])
	other := good[:dot+1] + base64.RawURLEncoding.EncodeToString(signature)
	if other == good {
		t.Fatal("the signature is its own twin")
	}
	first, err := check(newVerifier(), noon, good, newIssuer(t))
	if err != nil {
		t.Fatal(err)
	}
	second, err := check(newVerifier(), noon, other, newIssuer(t))
	if err != nil {
		t.Fatalf("the twin is no valid signature, so that nothing is tested: %v", err)
	}
	if first.ID != second.ID {
		t.Error("the twin has another name: it is good once more")
	}
}

func TestCertificates(t *testing.T) {
	from, until := noon.Add(-time.Hour), noon.Add(time.Hour)
	old, next := newEC(elliptic.P256()), newEC(elliptic.P256())
	certificate, successor := certify(t, old, from, until), certify(t, next, from, until.Add(time.Hour))
	expired, early := certify(t, old, from, noon.Add(-time.Second)), certify(t, old, noon.Add(time.Second), until)
	named := func(members map[string]any) string {
		header := map[string]any{"alg": "ES256"}
		for name, value := range members {
			header[name] = value
		}
		return asJSON(t, header)
	}
	tests := []struct {
		name       string
		registered [][]byte
		key        *ecdsa.PrivateKey
		header     string
		want       string // "": valid
	}{
		{"x5t names it", [][]byte{certificate}, old, named(map[string]any{"x5t": jose.Thumbprint1(certificate)}), ""},
		{"x5t#S256 names it", [][]byte{certificate}, old, named(map[string]any{"x5t#S256": jose.Thumbprint256(certificate)}), ""},
		{"both name it", [][]byte{certificate}, old, named(map[string]any{"x5t": jose.Thumbprint1(certificate), "x5t#S256": jose.Thumbprint256(certificate)}), ""},
		{"neither is there, and the only one is tried", [][]byte{certificate}, old, named(nil), ""},
		{"a kid says nothing of a certificate", [][]byte{certificate}, old, named(map[string]any{"kid": "whatever"}), ""},
		{"x5t of another", [][]byte{certificate}, old, named(map[string]any{"x5t": jose.Thumbprint1(successor)}), noKey},
		{"x5t#S256 of another", [][]byte{certificate}, old, named(map[string]any{"x5t#S256": jose.Thumbprint256(successor)}), noKey},
		{"the two disagree", [][]byte{certificate, successor}, old, named(map[string]any{"x5t": jose.Thumbprint1(certificate), "x5t#S256": jose.Thumbprint256(successor)}), noKey},
		{"x5t in hex", [][]byte{certificate}, old, named(map[string]any{"x5t": fmt.Sprintf("%x", certificate[:20])}), noKey},
		{"x5t is a list", [][]byte{certificate}, old, named(map[string]any{"x5t": []string{jose.Thumbprint1(certificate)}}), "x5t is not a string"},
		{"it names one and another's key signed", [][]byte{certificate, successor}, next, named(map[string]any{"x5t": jose.Thumbprint1(certificate)}), noSignature},
		{"a certificate that is not registered", [][]byte{certificate}, next, named(nil), noSignature},
		{"the alg is not one of its key", [][]byte{certify(t, rsaKey(), from, until)}, old, named(nil), noKey},

		{"while two are good, the old one", [][]byte{certificate, successor}, old, named(nil), ""},
		{"while two are good, the new one", [][]byte{certificate, successor}, next, named(map[string]any{"x5t": jose.Thumbprint1(successor)}), ""},
		{"it has expired", [][]byte{expired}, old, named(map[string]any{"x5t": jose.Thumbprint1(expired)}), "expired or not valid yet"},
		{"it is not valid yet", [][]byte{early}, old, named(map[string]any{"x5t": jose.Thumbprint1(early)}), "expired or not valid yet"},
		{"the old one has expired, and the new one signed", [][]byte{expired, successor}, next, named(nil), ""},
		{"the old one has expired and signed", [][]byte{expired, successor}, old, named(nil), noSignature},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			issuer := newIssuer(t)
			issuer.JWKS, issuer.Certificates, issuer.Algorithms = nil, test.registered, []string{"ES256"}
			_, err := check(newVerifier(), noon, forge(t, "ES256", test.key, test.header, asJSON(t, claims(nil))), issuer)
			if test.want != "" {
				refused(t, err, test.want)
			} else if err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func TestSignNamesTheCertificate(t *testing.T) {
	der := certify(t, ecKey(), noon.Add(-time.Hour), noon.Add(time.Hour))
	assertion, err := Sign("JWT", SigningKey{Key: ecKey(), Cert: der}, claims(nil))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := Parse(assertion, GrantTypes())
	if err != nil {
		t.Fatal(err)
	}
	if parsed.Header.X5T != jose.Thumbprint1(der) || parsed.Header.X5TS256 != jose.Thumbprint256(der) || parsed.Header.KID != "" {
		t.Errorf("header is %+v", parsed.Header)
	}
}

// For an assertion without a kid, at most ten keys are tried: an attacker who signs nothing must
// not make us compute without end.
func TestAtMostTenKeysAreTried(t *testing.T) {
	var set []map[string]any
	var keys []*ecdsa.PrivateKey
	for i := range maxTried + 2 {
		keys = append(keys, newEC(elliptic.P256()))
		set = append(set, jwkOf(t, keys[i].Public(), map[string]any{"kid": fmt.Sprint(i)}))
	}
	issuer := newIssuer(t)
	issuer.JWKS = jwks(t, append(set, jwkOf(t, rsaKey().Public(), nil))...)
	signed := func(i int, kid string) error {
		header := `{"alg":"ES256"}`
		if kid != "" {
			header = `{"alg":"ES256","kid":"` + kid + `"}`
		}
		_, err := check(newVerifier(), noon, forge(t, "ES256", keys[i], header, asJSON(t, claims(nil))), issuer)
		return err
	}
	if err := signed(maxTried-1, ""); err != nil {
		t.Errorf("the tenth key is not tried: %v", err)
	}
	refused(t, signed(maxTried, ""), noSignature)
	if err := signed(maxTried, fmt.Sprint(maxTried)); err != nil {
		t.Errorf("the eleventh key is not found by its kid: %v", err)
	}
	// A key of another kind does not count.
	if _, err := check(newVerifier(), noon, forge(t, "RS256", rsaKey(), `{"alg":"RS256"}`, asJSON(t, claims(nil))), issuer); err != nil {
		t.Errorf("keys of another kind were counted: %v", err)
	}
}

// RFC 7517 §4.2 to §4.4: the server respects the use of a key.
func TestKeyUse(t *testing.T) {
	for _, test := range []struct {
		name    string
		members map[string]any
		want    string
	}{
		{"it says nothing", nil, ""},
		{"it is for signatures", map[string]any{"use": "sig"}, ""},
		{"it is for encryption", map[string]any{"use": "enc"}, noKey},
		{"it is for verifying", map[string]any{"key_ops": []string{"verify"}}, ""},
		{"it is for wrapping", map[string]any{"key_ops": []string{"wrapKey"}}, noKey},
		{"it is for this alg", map[string]any{"alg": "ES256"}, ""},
		{"it is for another alg", map[string]any{"alg": "ES384"}, noKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			issuer := newIssuer(t)
			issuer.JWKS = jwks(t, jwkOf(t, ecKey().Public(), test.members))
			_, err := check(newVerifier(), noon, forge(t, "ES256", ecKey(), `{"alg":"ES256"}`, asJSON(t, claims(nil))), issuer)
			if test.want != "" {
				refused(t, err, test.want)
			} else if err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func TestSignRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		key  SigningKey
		want string
	}{
		{"no key", SigningKey{}, "cannot sign"},
		{"a public key", SigningKey{Key: rsaKey().Public()}, "cannot sign"},
		{"a secret that is too short (RFC 7518 section 3.2)", SigningKey{Key: []byte("short")}, "at least 32 bytes"},
		{"a secret for RS256", SigningKey{Key: secret, Alg: "RS256"}, "cannot sign with RS256"},
		{"an EC key for RS256", SigningKey{Key: ecKey(), Alg: "RS256"}, "cannot sign with RS256"},
		{"an RSA key for HS256", SigningKey{Key: rsaKey(), Alg: "HS256"}, "cannot sign with HS256"},
		{"none", SigningKey{Key: ecKey(), Alg: "none"}, "cannot sign with none"},
		{"a curve that is not used", SigningKey{Key: newEC(elliptic.P224())}, "cannot be used"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Sign("JWT", test.key, claims(nil))
			refused(t, err, test.want)
		})
	}
	if _, err := Sign("JWT", SigningKey{Key: ecKey()}, map[string]any{"f": func() {}}); err == nil {
		t.Error("claims that are no JSON were signed")
	}
}

func FuzzVerify(f *testing.F) {
	issuer := store.Issuer{
		ID: idp, Iss: idp, JWKS: jwks(f, jwkOf(f, edKey().Public(), nil)), Algorithms: []string{"EdDSA"},
		SubjectClaim: "sub", MaxLifetime: time.Hour,
	}
	payload, err := json.Marshal(claims(nil))
	if err != nil {
		f.Fatal(err)
	}
	good := forge(f, "EdDSA", edKey(), `{"alg":"EdDSA"}`, string(payload))
	for _, seed := range []string{good, good + "\n", strings.Replace(good, ".", ".\n", 1), good[:len(good)-1], "..", "e30.e30.e30"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, assertion string) {
		// Ed25519 has one signature for one message: nothing else may pass.
		if _, err := check(newVerifier(), noon, assertion, issuer); err == nil && assertion != good {
			t.Errorf("accepted %q", assertion)
		}
	})
}

func TestAlgorithmsHoldNothingSymmetric(t *testing.T) {
	for _, alg := range jose.Algorithms() {
		if strings.HasPrefix(alg, "HS") || strings.EqualFold(alg, "none") {
			t.Errorf("%s is among the algorithms of public keys", alg)
		}
	}
	if !slices.Contains(jose.Algorithms(), "RS256") || jose.AlgorithmsFor("a text") != nil || jose.AlgorithmsFor(secret) != nil {
		t.Error("what a key can do is not what it is")
	}
}

// A verifier does not use what it parsed from an earlier version of a row.
func TestARowThatChangesIsObeyedAtOnce(t *testing.T) {
	v, issuer := newVerifier(), newIssuer(t)
	other := newEC(elliptic.P256())
	old, next := e1(t, nil), forge(t, "ES256", other, `{"alg":"ES256","kid":"e1"}`, asJSON(t, claims(nil)))
	certificates := func(key crypto.Signer) store.Issuer {
		i := newIssuer(t)
		i.JWKS, i.Certificates = nil, [][]byte{certify(t, key, noon.Add(-time.Hour), noon.Add(time.Hour))}
		return i
	}
	withOld, withNext := issuer, issuer
	withNext.JWKS = jwks(t, jwkOf(t, other.Public(), map[string]any{"kid": "e1"}))
	for name, rows := range map[string][2]store.Issuer{
		"key set":      {withOld, withNext},
		"certificates": {certificates(ecKey()), certificates(other)},
	} {
		for range 2 { // to the new keys and back
			for i, row := range rows {
				_, oldErr := check(v, noon, old, row)
				_, nextErr := check(v, noon, next, row)
				if (oldErr == nil) != (i == 0) || (nextErr == nil) != (i == 1) {
					t.Errorf("%s: with row %d the old key gives %v and the next one %v", name, i, oldErr, nextErr)
				}
			}
		}
	}
	without := issuer
	without.JWKS = jwks(t, jwkOf(t, rsaKey().Public(), nil))
	if _, err := check(v, noon, old, without); err == nil {
		t.Error("a key that was taken away is taken")
	}
}
