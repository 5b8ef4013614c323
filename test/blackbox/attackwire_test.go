package blackbox

import (
	"bytes"
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"

	"authserver/test/harness"
)

const notBase64 = "not base64url without padding"

// harmless returns good assertions that look like some of the attacks. The server must accept them,
// so that the attacks are refused for the right reason.
func (d *door) harmless(t *testing.T, l *lure) map[string]string {
	t.Helper()
	good := map[string]string{
		"the plain assertion":     d.signed(t, nil),
		"without a kid":           d.signs(t, `{"alg":"`+d.alg+`"}`, d.payload(t, nil)),
		"with a typ":              d.headed(t, `"typ":"JWT"`),
		"with us alone in a list": d.signed(t, claims{"aud": []string{harness.Issuer}}),
		"with unknown members":    d.headed(t, `"x":[[1]]`),
		"with claims that nest":   d.signed(t, claims{"x": json.RawMessage(strings.Repeat("[", 15) + strings.Repeat("]", 15))}),
		"without a jti":           d.signed(t, claims{"jti": nil}),
		"without nbf and iat":     d.signed(t, claims{"nbf": nil, "iat": nil}),
	}
	for name, member := range l.members() { // which the server ignores
		good["with the attacker's "+name+" and our signature"] = d.headed(t, member)
	}
	if d.secret == nil {
		good["by our other key"] = forge(t, "RS256", d.rsa, `{"alg":"RS256","kid":"r1"}`, d.payload(t, nil))
		good["with the other signature that ECDSA has"] = mirrored(t, d.signed(t, nil))
	}
	return good
}

// wireAttacks are RFC 7515 section 3.1 and 7.1, RFC 8725 section 2.3 and 3.3: invalid signatures,
// and other spellings of the signed text.
func (d *door) wireAttacks(t *testing.T, l *lure) []attack {
	t.Helper()
	good := d.signed(t, nil)
	head, payload, signature := cut(t, good)
	signed := func(s []byte) string { return head + "." + payload + "." + encode(string(s)) }
	long := len(signature)
	another := strings.Split(d.signed(t, claims{"sub": "root"}), ".")
	table := []attack{
		{"no signature", refused, notSigned, signed(nil)},
		{"the signature is a byte short", refused, notSigned, signed(signature[:long-1])},
		{"the signature is a byte long", refused, notSigned, signed(append(bytes.Clone(signature), 0))},
		{"the signature is half of one", refused, notSigned, signed(signature[:long/2])},
		{"the signature stands twice", refused, notSigned, signed(append(bytes.Clone(signature), signature...))},
		{"the signature is zero (CVE-2022-21449)", refused, notSigned, signed(make([]byte, long))},
		{"the signature is all ones", refused, notSigned, signed(bytes.Repeat([]byte{255}, long))},
		{"the signature is of other claims", refused, notSigned, head + "." + another[1] + "." + encode(string(signature))},
		{"a space is put into the header", refused, notSigned, d.respaced(t, good)},

		{"nothing", malformed, "three parts", "x"},
		{"two parts", malformed, "three parts", head + "." + payload},
		{"four parts", malformed, "three parts", good + "."},
		{"dots", malformed, "header", ".."},
		{"the payload is detached (RFC 7515 appendix F)", malformed, "not JSON", head + ".." + encode(string(signature))},
		{"larger than 16 KiB", malformed, "larger than", d.signed(t, claims{"x": strings.Repeat("x", 16<<10)})},
		{"the flattened JSON serialisation", malformed, "three parts", `{"payload":"` + payload + `","protected":"` + head + `","signature":"` + encode(string(signature)) + `"}`},
		{"the general JSON serialisation", malformed, "three parts", `{"payload":"` + payload + `","signatures":[{"protected":"` + head + `","signature":"` + encode(string(signature)) + `"}]}`},
		{"a line break behind", malformed, notBase64, good + "\n"},
		{"a line break in the header", malformed, notBase64, head[:4] + "\n" + good[4:]},
		{"a carriage return in the claims", malformed, notBase64, head + "." + payload[:4] + "\r\n" + payload[4:] + "." + encode(string(signature))},
		{"a space before", malformed, notBase64, " " + good},
		{"a tab behind", malformed, notBase64, good + "\t"},
		{"padding", malformed, notBase64, good + strings.Repeat("=", (4-len(encode(string(signature)))%4)%4)},
		{"padding of the header", malformed, notBase64, head + "=" + good[len(head):]},
		{"stray bits at the end", malformed, notBase64, good[:len(good)-1] + string(good[len(good)-1]+1)},
		{"the other alphabet", malformed, notBase64, head + "." + payload + "." + base64.RawStdEncoding.EncodeToString(append([]byte{0xfb, 0xff}, signature[2:]...))},
		{"Bearer before", malformed, notBase64, "Bearer " + good},

		// RFC 8725 section 2.3, RFC 7516: the assertion is encrypted instead of signed.
		{"five parts that are no JWE", encrypted, "", good + ".AA.AA"},
		{"a JWE to another recipient", encrypted, "", sealed(t, good, jwa.ECDH_ES, l.key.Public())},
	}
	if d.secret != nil {
		return append(table, attack{"a JWE under the shared secret as a password", encrypted, "", sealed(t, good, jwa.PBES2_HS256_A128KW, d.secret)})
	}
	return append(table, attack{"a JWE to the key that is registered", encrypted, "", sealed(t, good, jwa.RSA_OAEP_256, d.rsa.Public())})
}

// curveAttacks are attacks on ECDSA (RFC 7518 section 3.4).
func (d *door) curveAttacks(t *testing.T) []attack {
	t.Helper()
	head, payload, signature := cut(t, d.signed(t, nil))
	row := func(name string, r, s []byte) attack {
		return attack{name, refused, notSigned, head + "." + payload + "." + encode(string(append(bytes.Clone(r), s...)))}
	}
	r, s, zero, order := signature[:32], signature[32:], make([]byte, 32), elliptic.P256().Params().N.Bytes()
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(r), new(big.Int).SetBytes(s)})
	if err != nil {
		t.Fatal(err)
	}
	return []attack{
		row("r is zero", zero, s),
		row("s is zero", r, zero),
		row("r is the order of the curve", order, s),
		row("s is the order of the curve", r, order),
		row("r and s are changed about", s, r),
		row("the signature is in ASN.1", der, nil),
	}
}

// mirrored returns the assertion with the other valid signature for the same bytes: with the same
// r, and s from the order of the curve.
func mirrored(t *testing.T, assertion string) string {
	t.Helper()
	head, payload, signature := cut(t, assertion)
	s := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(signature[32:]))
	return head + "." + payload + "." + encode(string(signature[:32])+string(s.FillBytes(make([]byte, 32))))
}

// respaced puts a space into the header, which does not change its meaning.
func (d *door) respaced(t *testing.T, assertion string) string {
	t.Helper()
	head, _, _ := strings.Cut(assertion, ".")
	return encode(d.header+" }") + assertion[len(head):]
}

// sealed encrypts an assertion (RFC 7516), like one of an issuer with encryption.
func sealed(t *testing.T, assertion string, alg jwa.KeyEncryptionAlgorithm, key any) string {
	t.Helper()
	protected := jwe.NewHeaders()
	if err := protected.Set(jwe.ContentTypeKey, "JWT"); err != nil {
		t.Fatal(err)
	}
	token, err := jwe.Encrypt([]byte(assertion), jwe.WithKey(alg, key), jwe.WithContentEncryption(jwa.A256GCM), jwe.WithProtectedHeaders(protected))
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

// cut takes an assertion apart.
func cut(t *testing.T, assertion string) (head, payload string, signature []byte) {
	t.Helper()
	parts := strings.Split(assertion, ".")
	return parts[0], parts[1], decodePart(t, assertion, 2)
}
