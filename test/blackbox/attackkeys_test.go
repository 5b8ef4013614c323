package blackbox

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
)

// The texts of the log for more than one attack.
const (
	notAgreed = "its alg is not registered"
	noKey     = "none of the registered keys fits its kid, x5t and alg"
	notSigned = "its signature was made by none of the registered keys"
)

// RFC 8725 section 2.1, 3.1, 3.2: the algorithm is a registered one, and never none.
func (d *door) algAttacks(t *testing.T) []attack {
	t.Helper()
	good := strings.Split(d.signed(t, nil), ".")
	unsigned := func(header string) string { return encode(header) + "." + good[1] + "." }
	table := []attack{
		{"alg is empty", malformed, "no alg", unsigned(`{"alg":""}`)},
		{"alg is absent", malformed, "no alg", unsigned(`{"kid":"e1"}`)},
		{"alg is null", malformed, "alg is not a string", unsigned(`{"alg":null}`)},
		{"alg is a list", malformed, "alg is not a string", unsigned(`{"alg":["` + d.alg + `"]}`)},
		{"alg is in lower case", algOfKeys, "", d.signs(t, `{"alg":"`+strings.ToLower(d.alg)+`"}`, d.payload(t, nil))},
		{"alg has white space", refused, notAgreed, d.signs(t, `{"alg":"`+d.alg+` "}`, d.payload(t, nil))},
		{"alg is unknown", algOfKeys, "", d.signs(t, `{"alg":"XS256"}`, d.payload(t, nil))},
		{"HS256 under no secret", algOfSecrets, "", forge(t, "HS256", []byte{}, `{"alg":"HS256"}`, d.payload(t, nil))},
		{"HS256 under the identifier", algOfSecrets, "", forge(t, "HS256", []byte(d.id), `{"alg":"HS256"}`, d.payload(t, nil))},
	}
	for _, none := range []string{"none", "None", "NONE", "nOnE"} {
		table = append(table,
			attack{"alg " + none, algOfKeys, "", unsigned(`{"alg":"` + none + `"}`)},
			attack{"alg " + none + " with a kid", algOfKeys, "", unsigned(`{"alg":"` + none + `","kid":"e1"}`)},
			attack{"alg " + none + " before a signature", algOfKeys, "", unsigned(`{"alg":"`+none+`"}`) + good[2]},
		)
	}
	return table
}

// RFC 8725 section 3.8, 3.10: the keys are those of the registered signer, whatever the assertion
// says about keys.
func (d *door) keyAttacks(t *testing.T, l *lure) []attack {
	t.Helper()
	plain := d.header + "}"
	table := []attack{
		{"the key of another under our iss", refused, notSigned, d.strange(t, plain)},
		{"the key of another and no kid", refused, notSigned, d.strange(t, `{"alg":"`+d.alg+`"}`)},
		{"our key under the iss of another", refused, notSigned, d.signed(t, claims{"iss": d.neighbor, "sub": d.neighbor})},
		{"iss is unknown", unknown, "", d.signed(t, claims{"iss": "https://evil.example/" + marker})},
		{"iss is the attacker's own server", unknown, "", d.signed(t, claims{"iss": l.URL})},
		{"iss is SQL", unknown, "", d.signed(t, claims{"iss": d.id + "' OR '1'='1"})},
		{"iss is a path", unknown, "", d.signed(t, claims{"iss": "../" + d.id})},
	}
	all := d.header
	for name, member := range l.members() {
		table = append(table, attack{name + " is the attacker's", refused, notSigned, d.strange(t, d.header+","+member+"}")})
		all += "," + member
	}
	return append(table, attack{"jku, x5u, jwk and x5c are the attacker's", refused, notSigned, d.strange(t, all+"}")})
}

// nameAttacks are attacks on signers with public keys, which every attacker has (RFC 8725 section
// 2.1): the public key as the secret, and keys under names that are not theirs.
func (d *door) nameAttacks(t *testing.T, l *lure) []attack {
	t.Helper()
	named := func(kid string) string {
		return d.signs(t, `{"alg":"ES256","kid":`+kid+`}`, d.payload(t, nil))
	}
	sha, sha1Sum := sha256.Sum256(l.certificate), sha1.Sum(l.certificate)
	table := []attack{
		{"kid is a path", refused, noKey, named(`"../../../../dev/null"`)},
		{"kid is an absolute path", refused, noKey, named(`"/proc/self/environ"`)},
		{"kid is SQL", refused, noKey, named(`"e1' OR '1'='1"`)},
		{"kid is a UNION", refused, noKey, named(`"x' UNION SELECT '` + marker + `' --"`)},
		{"kid is a URL", refused, noKey, named(`"` + l.URL + `/jwks"`)},
		{"kid is a command", refused, noKey, named(`"e1|id"`)},
		{"kid has NUL behind", refused, noKey, named(`"e1\u0000"`)},
		{"kid is empty space", refused, noKey, named(`" "`)},
		{"kid is a number", malformed, "kid is not a string", named("1")},
		{"kid is an object", malformed, "kid is not a string", named(`{"e1":1}`)},
		{"kid is without end", malformed, "kid is not a string", named(`"` + strings.Repeat("k", 1<<11) + `"`)},
		{"kid is of a key of another kind", refused, noKey, named(`"r1"`)},
		{"alg is that of another of our keys", refused, noKey, d.signs(t, `{"alg":"RS256","kid":"e1"}`, d.payload(t, nil))},
		{"x5t#S256 is of the attacker's certificate", refused, noKey, d.strange(t, d.header+`,"x5t#S256":"`+base64.RawURLEncoding.EncodeToString(sha[:])+`"}`)},
		{"x5t is of the attacker's certificate", refused, noKey, d.strange(t, d.header+`,"x5t":"`+base64.RawURLEncoding.EncodeToString(sha1Sum[:])+`"}`)},
	}
	for kid, public := range map[string]any{"e1": d.ec.Public(), "r1": d.rsa.Public()} {
		for name, secret := range asSecrets(t, kid, public) {
			table = append(table, attack{"HS256 with the public key " + kid + " in " + name, algOfSecrets, "", forge(t, "HS256", secret, `{"alg":"HS256","kid":"`+kid+`"}`, d.payload(t, nil))})
		}
	}
	return table
}

// asSecrets returns the spellings of a public key that a lenient verifier accepts as a secret.
func asSecrets(t *testing.T, kid string, public any) map[string][]byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	set := jwkSet(t, map[string]any{kid: public})
	var parsed struct{ Keys []json.RawMessage }
	if err := json.Unmarshal([]byte(set), &parsed); err != nil {
		t.Fatal(err)
	}
	var raw []byte
	switch key := public.(type) {
	case *rsa.PublicKey:
		raw = key.N.Bytes()
	case *ecdsa.PublicKey:
		raw, err = key.Bytes()
	}
	if err != nil || raw == nil {
		t.Fatalf("the key %s has no bytes: %v", kid, err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return map[string][]byte{
		"PEM": text, "PEM without its last line break": []byte(trim(string(text))), "DER": der, "bare numbers": raw, "JWK": parsed.Keys[0], "a JWK Set": []byte(set),
	}
}
