package assertions

import (
	"strings"
	"testing"

	"authserver/internal/jose"
)

// The texts of refusals that appear more than once in the tables.
const (
	notRegistered = "its alg is not registered"
	noKey         = "none of the registered keys fits"
	noSignature   = "its signature was made by none of the registered keys"
)

// These are the bounds of attacks that test/blackbox tries on the running server, with all of RFC
// 8725.
func TestHeadersAtTheirBounds(t *testing.T) {
	good := asJSON(t, claims(nil))
	by := func(header string) string { return forge(t, "ES256", ecKey(), header, good) }
	tests := []struct{ name, assertion, want string }{
		{"an alg that the key can and the issuer may not", forge(t, "PS256", rsaKey(), `{"alg":"PS256","kid":"r1"}`, good), notRegistered},
		{"a kid that is as long as it may be", by(`{"alg":"ES256","kid":"` + strings.Repeat("k", jose.MaxName) + `"}`), noKey},
		{"a kid that is a byte longer", by(`{"alg":"ES256","kid":"` + strings.Repeat("k", jose.MaxName+1) + `"}`), "kid is not a string of at most"},
		{"an x5t where no key has one", by(`{"alg":"ES256","kid":"e1","x5t":"` + jose.Thumbprint1([]byte(good)) + `"}`), noKey},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := check(newVerifier(), noon, test.assertion, newIssuer(t))
			refused(t, err, test.want)
		})
	}
}

// Even if an attacker gets an administrator to register HS256 for an issuer with public keys, no
// public key becomes a secret.
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

// These are spellings that a lenient reader accepts as the same assertion under another name, and
// input without end. The rest of these attacks is in test/blackbox.
func TestOtherSpellings(t *testing.T) {
	good := e1(t, nil)
	split := strings.Split(good, ".")
	headed := func(header string) string { return encode(header) + "." + split[1] + "." + split[2] }
	claimed := func(payload string) string {
		return forge(t, "ES256", ecKey(), `{"alg":"ES256","kid":"e1"}`, payload)
	}
	plain := asJSON(t, claims(nil))
	tests := []struct{ name, assertion, want string }{
		{"white space behind the header", headed(`{"alg":"ES256","kid":"e1"} `), noSignature},
		{"white space before the header", headed(` {"alg":"ES256","kid":"e1"}`), noSignature},
		{"white space within the header", headed(`{"alg":"ES256", "kid":"e1"}`), noSignature},
		{"white space behind the claims", split[0] + "." + encode(plain+"\n") + "." + split[2], noSignature},
		{"NUL behind", good + "\x00", "not base64url without padding"},
		{"a byte larger than it may be", strings.Repeat("a", MaxBytes+1), "larger than"},
		{"arrays that do not end", claimed(`{"x":` + strings.Repeat("[", 6000)), "nests deeper"},
		{"objects that do not end", claimed(strings.Repeat(`{"x":`, 1500)), "nests deeper"},
		{"a header that does not end", headed(`{"alg":"ES256","x":` + strings.Repeat("[", 6000)), "nests deeper"},
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

// If another library accepts an assertion as the same, it must have the same name here, or be
// refused. Otherwise an assertion without a jti would be good once more.
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
