package assertions

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"authserver/internal/jose"
)

// The words of the refusals that stand in the tables more than once.
const (
	notRegistered = "its alg is not one that is registered"
	noKey         = "none of the registered keys fits"
	noSignature   = "its signature was made by none of the registered keys"
	notBase64     = "not base64url without padding"
)

func TestHeaderAttacks(t *testing.T) {
	good := asJSON(t, claims(nil))
	unsigned := func(header string) string { return encode(header) + "." + encode(good) + "." }
	stranger := jwkOf(t, strangeRSA().Public(), nil)
	der, err := x509.MarshalPKIXPublicKey(rsaKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	asSecret := func(secret []byte) string {
		return forge(t, "HS256", secret, `{"alg":"HS256","kid":"r1"}`, good)
	}
	by := func(header string) string { return forge(t, "ES256", ecKey(), header, good) }
	byStranger := func(header string) string { return forge(t, "RS256", strangeRSA(), header, good) }
	tests := []struct{ name, assertion, want string }{
		// RFC 8725 §3.1, §3.2: only algorithms that were agreed on, and never none.
		{"alg none", unsigned(`{"alg":"none"}`), notRegistered},
		{"alg None", unsigned(`{"alg":"None"}`), notRegistered},
		{"alg NONE", unsigned(`{"alg":"NONE"}`), notRegistered},
		{"alg nOnE", unsigned(`{"alg":"nOnE"}`), notRegistered},
		{"alg none with a kid of ours", unsigned(`{"alg":"none","kid":"e1"}`), notRegistered},
		{"an empty alg", unsigned(`{"alg":""}`), "no alg"},
		{"no alg", unsigned(`{"kid":"e1"}`), "no alg"},
		{"alg null", unsigned(`{"alg":null}`), "alg is not a string"},
		{"alg is a list", unsigned(`{"alg":["ES256"]}`), "alg is not a string"},
		{"alg in lower case", by(`{"alg":"es256","kid":"e1"}`), notRegistered},
		{"alg with white space", by(`{"alg":"ES256 ","kid":"e1"}`), notRegistered},
		{"HS256 with the public key in PEM as the secret", asSecret(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), notRegistered},
		{"HS256 with the public key in DER as the secret", asSecret(der), notRegistered},
		{"HS256 with the modulus as the secret", asSecret(rsaKey().N.Bytes()), notRegistered},
		{"HS256 with the registered key set as the secret", asSecret(newIssuer(t).JWKS), notRegistered},
		{"an alg that the key can and the issuer may not", forge(t, "PS256", rsaKey(), `{"alg":"PS256","kid":"r1"}`, good), notRegistered},
		{"an alg that nobody knows", by(`{"alg":"ES257","kid":"e1"}`), notRegistered},

		// RFC 8725 §3.8, §3.10: keys are the registered ones, whatever the header says.
		{"another issuer's key", byStranger(`{"alg":"RS256"}`), noSignature},
		{"another issuer's key under a kid of ours", byStranger(`{"alg":"RS256","kid":"r1"}`), noSignature},
		{"a kid that is not registered", by(`{"alg":"ES256","kid":"e2"}`), noKey},
		{"a kid of a key for another alg", by(`{"alg":"ES256","kid":"r1"}`), noKey},
		{"a kid that is a path", by(`{"alg":"ES256","kid":"../../../../dev/null"}`), noKey},
		{"a kid that is SQL", by(`{"alg":"ES256","kid":"e1' OR '1'='1"}`), noKey},
		{"a kid that is a number", by(`{"alg":"ES256","kid":1}`), "kid is not a string"},
		{"a kid without end", by(`{"alg":"ES256","kid":"` + strings.Repeat("k", jose.MaxName+1) + `"}`), "kid is not a string of at most"},
		{"an x5t where no key has one", by(`{"alg":"ES256","kid":"e1","x5t":"` + jose.Thumbprint1(der) + `"}`), noKey},
		{"jwk is the attacker's key", byStranger(`{"alg":"RS256","kid":"r1","jwk":` + asJSON(t, stranger) + `}`), noSignature},
		{"jku points at the attacker's keys", byStranger(`{"alg":"RS256","kid":"r1","jku":"https://evil.example/jwks.json"}`), noSignature},
		{"x5u points at the attacker's certificate", byStranger(`{"alg":"RS256","kid":"r1","x5u":"https://evil.example/c.pem"}`), noSignature},
		{"x5c is the attacker's certificate", byStranger(`{"alg":"RS256","kid":"r1","x5c":["` +
			base64.StdEncoding.EncodeToString(certify(t, strangeRSA(), noon, noon.Add(skew))) + `"]}`), noSignature},

		// RFC 7515 §4.1.11: what is not understood and critical MUST be refused.
		{"crit names an extension", by(`{"alg":"ES256","kid":"e1","crit":["exp"],"exp":1}`), "crit"},
		{"crit is empty", by(`{"alg":"ES256","kid":"e1","crit":[]}`), "crit"},
		{"crit is null", by(`{"alg":"ES256","kid":"e1","crit":null}`), "crit"},
		{"b64 is false and critical", by(`{"alg":"ES256","kid":"e1","b64":false,"crit":["b64"]}`), "crit"},
		{"b64 is false and not critical (RFC 7797 section 6)", by(`{"alg":"ES256","kid":"e1","b64":false}`), "b64"},

		// RFC 8725 §3.11: a token made for something else.
		{"typ of an access token", by(`{"alg":"ES256","kid":"e1","typ":"at+jwt"}`), "typ"},
		{"typ of an access token, spelled out", by(`{"alg":"ES256","kid":"e1","typ":"application/at+jwt"}`), "typ"},
		{"typ of an access token, in capitals", by(`{"alg":"ES256","kid":"e1","typ":"AT+JWT"}`), "typ"},
		{"typ of a logout token", by(`{"alg":"ES256","kid":"e1","typ":"logout+jwt"}`), "typ"},
		{"typ of a security event", by(`{"alg":"ES256","kid":"e1","typ":"secevent+jwt"}`), "typ"},
		{"typ is a number", by(`{"alg":"ES256","kid":"e1","typ":1}`), "typ is not a string"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := check(newVerifier(), noon, test.assertion, newIssuer(t))
			refused(t, err, test.want)
		})
	}
}

// Even where an administrator was talked into HS256 for an issuer with public
// keys, none of them becomes a secret.
func TestPublicKeysAreNeverSecrets(t *testing.T) {
	issuer := newIssuer(t)
	issuer.Algorithms = append(issuer.Algorithms, "HS256", "none")
	good := asJSON(t, claims(nil))
	for name, assertion := range map[string]string{
		"HS256": forge(t, "HS256", rsaKey().N.Bytes(), `{"alg":"HS256","kid":"r1"}`, good),
		"none":  encode(`{"alg":"none"}`) + "." + encode(good) + ".",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := check(newVerifier(), noon, assertion, issuer)
			refused(t, err, noKey)
		})
	}
}

func TestTypesThatAreAccepted(t *testing.T) {
	for _, typ := range []string{"", `,"typ":"JWT"`, `,"typ":"jwt"`, `,"typ":"application/jwt"`, `,"typ":"authorization-grant+jwt"`} {
		assertion := forge(t, "ES256", ecKey(), `{"alg":"ES256","kid":"e1"`+typ+`}`, asJSON(t, claims(nil)))
		if _, err := check(newVerifier(), noon, assertion, newIssuer(t)); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
	}
}

func TestWireAttacks(t *testing.T) {
	good := e1(t, nil)
	split := strings.Split(good, ".")
	signature, err := base64.RawURLEncoding.DecodeString(split[2])
	if err != nil {
		t.Fatal(err)
	}
	signed := func(s []byte) string {
		return split[0] + "." + split[1] + "." + base64.RawURLEncoding.EncodeToString(s)
	}
	headed := func(header string) string { return encode(header) + "." + split[1] + "." + split[2] }
	claimed := func(payload string) string {
		return forge(t, "ES256", ecKey(), `{"alg":"ES256","kid":"e1"}`, payload)
	}
	plain := asJSON(t, claims(nil))
	tests := []struct{ name, assertion, want string }{
		{"nothing", "", "three parts"},
		{"two parts", split[0] + "." + split[1], "three parts"},
		{"four parts", good + ".", "three parts"},
		{"a JWE", strings.Repeat("AAAA.", 4) + "AAAA", "encrypted"},
		{"the JSON serialisation", `{"payload":"` + split[1] + `","protected":"` + split[0] + `","signature":"` + split[2] + `"}`, "three parts"},
		{"larger than 16 KiB", strings.Repeat("a", MaxBytes+1), "larger than"},
		{"dots alone", "..", "header"},
		{"a nested assertion", forge(t, "ES256", ecKey(), `{"alg":"ES256","kid":"e1","cty":"JWT"}`, good), "claims are malformed"},

		{"no signature", signed(nil), noSignature},
		{"a signature that is too short", signed(signature[:63]), noSignature},
		{"a signature that is too long", signed(append(bytes.Clone(signature), 0)), noSignature},
		{"r is zero", signed(append(make([]byte, 32), signature[32:]...)), noSignature},
		{"s is zero", signed(append(bytes.Clone(signature[:32]), make([]byte, 32)...)), noSignature},
		{"r and s are zero (CVE-2022-21449)", signed(make([]byte, 64)), noSignature},
		{"r and s are all ones", signed(bytes.Repeat([]byte{255}, 64)), noSignature},
		{"other claims", split[0] + "." + encode(asJSON(t, claims(map[string]any{"sub": "root"}))) + "." + split[2], noSignature},

		// What a lenient reader takes for the same assertion under another name.
		{"white space behind the header", headed(`{"alg":"ES256","kid":"e1"} `), noSignature},
		{"white space before the header", headed(` {"alg":"ES256","kid":"e1"}`), noSignature},
		{"white space within the header", headed(`{"alg":"ES256", "kid":"e1"}`), noSignature},
		{"white space behind the claims", split[0] + "." + encode(plain+"\n") + "." + split[2], noSignature},
		{"a line break behind", good + "\n", notBase64},
		{"a line break in the header", split[0][:4] + "\n" + split[0][4:] + "." + split[1] + "." + split[2], notBase64},
		{"a carriage return in the claims", split[0] + "." + split[1][:4] + "\r" + split[1][4:] + "." + split[2], notBase64},
		{"a space before", " " + good, notBase64},
		{"padding", good + "==", notBase64},
		{"stray bits at the end", good[:len(good)-1] + string(good[len(good)-1]+1), notBase64},
		{"the other alphabet", split[0] + "." + split[1] + "." + base64.RawStdEncoding.EncodeToString(append([]byte{0xfb, 0xff}, signature[2:]...)), notBase64},
		{"NUL behind", good + "\x00", notBase64},

		// RFC 7515 §4, RFC 7519 §4, RFC 8725 §2.4: two readers must not see two assertions.
		{"a header member stands twice", headed(`{"alg":"ES256","kid":"e1","kid":"e1"}`), "twice"},
		{"a header member stands twice in another spelling", headed(`{"alg":"ES256","\u0061lg":"none"}`), "twice"},
		{"a claim stands twice", claimed(strings.Replace(plain, "{", `{"sub":"root",`, 1)), "twice"},
		{"a claim stands twice in another spelling", claimed(strings.Replace(plain, "{", `{"\u0073ub":"root",`, 1)), "twice"},
		{"a member within a claim stands twice", claimed(strings.Replace(plain, "{", `{"x":{"a":1,"a":2},`, 1)), "twice"},
		{"something stands behind the claims", claimed(plain + plain), "after"},
		{"something stands behind the header", headed(`{"alg":"ES256","kid":"e1"}x`), "after"},
		{"the claims break off", claimed(strings.TrimSuffix(plain, "}")), "not JSON"},
		{"the claims are an array", claimed("[" + plain + "]"), "not a JSON object"},
		{"the claims are null", claimed("null"), "not a JSON object"},
		{"the claims are empty", claimed(""), "not JSON"},
		{"the header is an array", headed(`["ES256"]`), "not a JSON object"},
		{"NaN", claimed(strings.Replace(plain, "{", `{"x":NaN,`, 1)), "not JSON"},
		{"a comment", claimed(strings.Replace(plain, "{", `{/**/`, 1)), "not JSON"},
		{"a byte order mark", claimed("\ufeff" + plain), "not JSON"},
		{"invalid UTF-8 in the claims", claimed(strings.Replace(plain, "alice", "al\xffce", 1)), "not UTF-8"},
		{"invalid UTF-8 in the header", headed("{\"alg\":\"ES256\",\"kid\":\"\xff\"}"), "not UTF-8"},
		{"claims nested too deep", claimed(strings.Replace(plain, "{", `{"x":`+strings.Repeat("[", 16)+strings.Repeat("]", 16)+",", 1)), "nests deeper"},
		{"a bomb of arrays", claimed(`{"x":` + strings.Repeat("[", 6000)), "nests deeper"},
		{"a bomb of objects", claimed(strings.Repeat(`{"x":`, 1500)), "nests deeper"},
		{"a bomb in the header", headed(`{"alg":"ES256","x":` + strings.Repeat("[", 6000)), "nests deeper"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := check(newVerifier(), noon, test.assertion, newIssuer(t))
			refused(t, err, test.want)
		})
	}
	if _, err := check(newVerifier(), noon, good, newIssuer(t)); err != nil {
		t.Errorf("the good one is refused: %v", err)
	}
}

// Whatever another library takes for the same assertion must have the same name
// here, or not be good at all: else it is good once more without a jti.
func TestNoOtherSpellingIsGood(t *testing.T) {
	good := forge(t, "ES256", ecKey(), `{"alg":"ES256","kid":"e1"}`, asJSON(t, claims(map[string]any{"jti": nil})))
	first, err := check(newVerifier(), noon, good, newIssuer(t))
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		for _, insert := range []string{" ", "\n", "\r\n", "\t", "=", "\x00", "A"} {
			other := good[:i] + insert + good[i:]
			again, err := check(newVerifier(), noon, other, newIssuer(t))
			if err == nil && again.ID != first.ID {
				t.Fatalf("with %q at byte %d it is good under another name", insert, i)
			}
		}
	}
}
