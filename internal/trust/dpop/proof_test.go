package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"authserver/internal/testkit"
)

const accessToken = "an.access.token"

func now() time.Time { return time.Unix(1_800_000_000, 0) }

func expected() Expect {
	return Expect{
		Method: "POST", URLs: []string{"https://api.example.com/orders?page=2"}, AccessToken: accessToken,
		Now: now(), MaxAge: time.Minute, Skew: 10 * time.Second,
	}
}

// signer makes proofs: JSON of the test, signed by any key.
type signer struct {
	t       testing.TB
	alg     string
	private any
	jwk     map[string]any
}

func newSigner(t testing.TB, alg string) signer {
	t.Helper()
	var private crypto.Signer
	var err error
	switch alg {
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signer{t: t, alg: alg, private: private, jwk: asJWK(t, private.Public())}
}

func asJWK(t testing.TB, raw any) map[string]any {
	t.Helper()
	plain := map[string]any{}
	if err := json.Unmarshal(testkit.JWK(t, raw, nil), &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}

func (s signer) header(change map[string]any) map[string]any {
	header := map[string]any{"typ": "dpop+jwt", "alg": s.alg, "jwk": s.jwk}
	maps.Copy(header, change)
	return header
}

func claims(change map[string]any) map[string]any {
	sum := sha256.Sum256([]byte(accessToken))
	claims := map[string]any{
		"jti": "one", "htm": "POST", "htu": "https://api.example.com/orders",
		"iat": now().Unix(), "ath": base64.RawURLEncoding.EncodeToString(sum[:]),
	}
	for name, value := range change {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return claims
}

func (s signer) sign(header, claims any) string {
	s.t.Helper()
	return testkit.JWS(s.t, s.alg, s.private, header, claims)
}

func TestCheckTakesProofsOfEachKindOfKey(t *testing.T) {
	for _, alg := range []string{"ES256", "EdDSA", "RS256", "PS256"} {
		s := newSigner(t, alg)
		got, err := Check(s.sign(s.header(nil), claims(map[string]any{"nonce": "n"})), expected())
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		want := Proof{JKT: got.JKT, Alg: alg, ID: sha256.Sum256([]byte("dpop\x00" + got.JKT + "\x00one")), IssuedAt: now().UTC(), Nonce: "n"}
		if got != want || len(got.JKT) != 43 {
			t.Errorf("%s: %+v, want %+v", alg, got, want)
		}
	}
}

// RFC 7519 §2: a NumericDate need not be a whole number, nor have the form of one.
func TestCheckTakesEverySpellingOfADate(t *testing.T) {
	s := newSigner(t, "ES256")
	for _, iat := range []string{"1800000000.0", "1800000000.25", "1.8e9", "18E+8", "1799999999.999"} {
		if _, err := Check(s.sign(s.header(nil), claims(map[string]any{"iat": json.RawMessage(iat)})), expected()); err != nil {
			t.Errorf("iat %s: %v", iat, err)
		}
	}
}

// The proof of RFC 9449 §4.1 and §4.2 has the thumbprint of §6.1.
func TestCheckTakesTheProofOfTheRFC(t *testing.T) {
	const proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	got, err := Check(proof, Expect{Method: "POST", URLs: []string{"https://server.example.com/token"}, Now: time.Unix(1562262616, 0)})
	if err != nil || got.JKT != "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" {
		t.Errorf("%+v, %v", got, err)
	}
}

// RFC 9449 §4.3, check by check, and RFC 8725.
func TestCheckRefuses(t *testing.T) {
	ec, other, rsaKey := newSigner(t, "ES256"), newSigner(t, "ES256"), newSigner(t, "RS256")
	claim := func(name string, value any) string {
		return ec.sign(ec.header(nil), claims(map[string]any{name: value}))
	}
	header := func(name string, value any) string {
		return ec.sign(ec.header(map[string]any{name: value}), claims(nil))
	}
	good := claim("jti", "one")
	unsigned := func(alg string) string {
		return testkit.Part(t, ec.header(map[string]any{"alg": alg})) + "." + testkit.Part(t, claims(nil)) + "."
	}
	secret := []byte(strings.Repeat("s", 32))
	hmac := signer{t: t, alg: "HS256", private: secret, jwk: asJWK(t, secret)}
	confused := signer{t: t, alg: "HS256", private: []byte(testkit.Part(t, rsaKey.jwk)), jwk: rsaKey.jwk}
	for name, c := range map[string]struct{ proof, want string }{
		"nothing":                           {"", "three parts"},
		"two proofs":                        {good + "," + good, "encrypted"},
		"a proof larger than any":           {claim("nonce", strings.Repeat("n", MaxProof)), "larger"},
		"typ JWT":                           {header("typ", "JWT"), "typ"},
		"alg none":                          {unsigned("none"), "alg"},
		"alg nOnE":                          {unsigned("nOnE"), "alg"},
		"HS256 with the public key":         {confused.sign(confused.header(nil), claims(nil)), "alg"},
		"HS256 with the secret in the jwk":  {hmac.sign(hmac.header(nil), claims(nil)), "alg"},
		"a jwk that is a shared secret":     {header("jwk", hmac.jwk), "private key or a shared secret"},
		"a jwk that is private":             {header("jwk", asJWK(t, ec.private)), "private key or a shared secret"},
		"a private jwk of RSA":              {header("jwk", asJWK(t, rsaKey.private)), "private key or a shared secret"},
		"no jwk":                            {header("jwk", nil), "no jwk"},
		"a jwk that is a URL":               {header("jwk", "https://attacker.example/jwk"), "no jwk"},
		"an empty jwk":                      {header("jwk", map[string]any{}), "public key"},
		"a jwk of RSA for ES256":            {header("jwk", rsaKey.jwk), "signature"},
		"a jwk whose point is on no curve":  {header("jwk", map[string]any{"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}), "public key"},
		"a jwk of Ed25519 that is short":    {ec.sign(ec.header(map[string]any{"alg": "EdDSA", "jwk": map[string]any{"kty": "OKP", "crv": "Ed25519", "x": "AQ"}}), claims(nil)), "public key"},
		"a jwk for key agreement":           {header("jwk", map[string]any{"kty": "OKP", "crv": "X25519", "x": ec.jwk["x"]}), "public key"},
		"the signature of another key":      {other.sign(ec.header(nil), claims(nil)), "signature"},
		"no signature":                      {unsigned("ES256"), "signature"},
		"a signature of zeros":              {unsigned("ES256") + strings.Repeat("A", 86), "signature"},
		"crit":                              {header("crit", []string{"exp"}), "crit"},
		"another method":                    {claim("htm", "GET"), "htm"},
		"the method in lower case":          {claim("htm", "post"), "htm"},
		"no htm":                            {claim("htm", nil), "htm"},
		"another path":                      {claim("htu", "https://api.example.com/orders/"), "htu"},
		"another host":                      {claim("htu", "https://api.example.com.attacker.example/orders"), "htu"},
		"http instead of https":             {claim("htu", "http://api.example.com/orders"), "htu"},
		"an htu with a user":                {claim("htu", "https://api.example.com@api.example.com/orders"), "htu"},
		"an htu that is a path":             {claim("htu", "/orders"), "htu"},
		"no htu":                            {claim("htu", nil), "htu"},
		"the hash of another token":         {claim("ath", testkit.Part(t, "x")), "ath"},
		"no ath":                            {claim("ath", nil), "ath"},
		"an iat that is too old":            {claim("iat", now().Unix()-71), "ago"},
		"an iat in the future":              {claim("iat", now().Unix()+11), "future"},
		"an iat in milliseconds":            {claim("iat", now().UnixMilli()), "milliseconds"},
		"an iat half a second too old":      {claim("iat", json.RawMessage(fmt.Sprintf("%d.5", now().Unix()-71))), "ago"},
		"an iat that is a string":           {claim("iat", "1800000000"), "iat"},
		"an iat that is negative":           {claim("iat", -1), "iat"},
		"an iat that is huge":               {claim("iat", json.RawMessage("1e400")), "iat"},
		"no iat":                            {claim("iat", nil), "iat"},
		"no jti":                            {claim("jti", nil), "jti"},
		"an empty jti":                      {claim("jti", ""), "jti"},
		"a jti that is a number":            {claim("jti", 1), "jti"},
		"a jti that is long":                {claim("jti", strings.Repeat("j", MaxID+1)), "jti"},
		"a nonce that is a number":          {claim("nonce", 1), "nonce"},
		"a member that stands twice":        {ec.sign(ec.header(nil), `{"jti":"a","jti":"b"}`), "claims are malformed"},
		"a header member that stands twice": {ec.sign(`{"typ":"dpop+jwt","alg":"ES256","alg":"none"}`, claims(nil)), "header is malformed"},
		"claims that are a list":            {ec.sign(ec.header(nil), `[]`), "claims are malformed"},
		"claims that nest":                  {ec.sign(ec.header(nil), strings.Repeat("[", 1000)), "claims are malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Check(c.proof, expected())
			if err == nil || !strings.Contains(err.Error(), c.want) || got != (Proof{}) {
				t.Errorf("%+v, %v, want an error about %q", got, err, c.want)
			}
		})
	}
}

// RFC 9449 §4.3: ath is only for proofs that come with an access token.
func TestCheckWithoutAnAccessToken(t *testing.T) {
	s, e := newSigner(t, "ES256"), expected()
	e.AccessToken = ""
	if _, err := Check(s.sign(s.header(nil), claims(map[string]any{"ath": nil})), e); err != nil {
		t.Error(err)
	}
}

// A proof is valid at both ends of its time.
func TestCheckAtTheEdgesOfTime(t *testing.T) {
	s := newSigner(t, "ES256")
	for _, iat := range []int64{now().Unix() - 70, now().Unix() + 10} {
		if _, err := Check(s.sign(s.header(nil), claims(map[string]any{"iat": iat})), expected()); err != nil {
			t.Errorf("iat %d: %v", iat, err)
		}
	}
}

// An accepted proof always has a key, an ID and a moment that fits.
func FuzzCheck(f *testing.F) {
	s := newSigner(f, "ES256")
	for _, proof := range []string{
		s.sign(s.header(nil), claims(nil)),
		s.sign(s.header(nil), claims(map[string]any{"htu": "https://API.example.com:443/%6frders#x"})),
		s.sign(s.header(map[string]any{"jwk": map[string]any{"kty": "OKP", "crv": "Ed25519", "x": ""}, "alg": "EdDSA"}), claims(nil)),
		s.sign(s.header(map[string]any{"jwk": map[string]any{"kty": "RSA", "n": "AQ", "e": "AA"}, "alg": "PS256"}), claims(nil)),
		"..", "e30.e30.", "",
	} {
		f.Add(proof)
	}
	f.Fuzz(func(t *testing.T, proof string) {
		got, err := Check(proof, expected())
		if err != nil {
			return
		}
		if len(got.JKT) != 43 || got.ID == [32]byte{} || got.IssuedAt.After(now().Add(10*time.Second)) {
			t.Errorf("%+v is taken", got)
		}
	})
}
