package blackbox

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"
)

const (
	notSeconds = "its exp is not a number of seconds"
	tooLate    = "its exp is after the year 9999"
	notOurs    = "and nothing else"
)

// RFC 7523 section 3, item by item; RFC 8725 section 3.8 and 3.9.
func (d *door) claimAttacks(t *testing.T, l *lure) []attack {
	t.Helper()
	now := time.Now()
	with := func(name string, value any) string { return d.signed(t, claims{name: value}) }
	number := func(text string) json.RawMessage { return json.RawMessage(text) }
	const evil = "https://evil.example"
	return []attack{
		{"iss is missing", unknown, "", with("iss", nil)},
		{"iss is a list", unknown, "", with("iss", []string{d.id})},
		{"sub is missing", refused, "sub", with("sub", nil)},
		{"sub is a number", refused, "sub is not a string", with("sub", 7)},

		// Item 3, and CVE-2025-27370 and 27371: this server, and no other audience.
		{"aud is missing", refused, "aud is missing", with("aud", nil)},
		{"aud is an empty list", refused, "aud is missing", with("aud", []string{})},
		{"aud is a stranger", refused, notOurs, with("aud", evil)},
		{"aud has a stranger first", refused, notOurs, with("aud", []string{evil, harness.Issuer})},
		{"aud has a stranger last", refused, notOurs, with("aud", []string{harness.Issuer, evil})},
		{"aud is the attacker's own server", refused, notOurs, with("aud", l.URL)},
		{"aud has a slash behind", refused, notOurs, with("aud", harness.Issuer+"/")},
		{"aud begins with us", refused, notOurs, with("aud", harness.Issuer+".evil.example")},
		{"aud is two in one text", refused, notOurs, with("aud", harness.Issuer+" "+evil)},
		{"aud is an object", refused, "aud is not a string", with("aud", claims{harness.Issuer: true})},
		{"aud has a number beside us", refused, "aud is not a string", with("aud", []any{harness.Issuer, 1})},

		// Item 4.
		{"exp is missing", refused, "its exp is missing", with("exp", nil)},
		{"exp is a string", refused, "its exp is not a number", with("exp", now.Add(time.Minute).Format(time.RFC3339))},
		{"exp is a number in a string", refused, "its exp is not a number", with("exp", number(`"4102444800"`))},
		{"exp is null", refused, "its exp is not a number", with("exp", number("null"))},
		{"exp is a list", refused, "its exp is not a number", with("exp", []int64{now.Add(time.Minute).Unix()})},
		{"exp is negative", refused, notSeconds, with("exp", -1)},
		{"exp is a fraction, and past", refused, "it has expired", with("exp", float64(now.Add(-10*time.Minute).Unix())+0.5)},
		{"exp has an exponent, and is far ahead", refused, "lifetime is longer", with("exp", number("2.1e9"))},
		{"exp has a small exponent", refused, "it has expired", with("exp", number("2e-400"))},
		{"exp is in milliseconds", refused, tooLate, with("exp", now.Add(time.Minute).UnixMilli())},
		{"exp is beyond all numbers", refused, tooLate, with("exp", number("1e400"))},
		{"exp is one more than 64 bits hold", refused, tooLate, with("exp", number("9223372036854775808"))},
		{"exp is the most that 64 bits hold", refused, tooLate, with("exp", number("9223372036854775807"))},
		{"exp is in the year 9999", refused, "lifetime is longer", with("exp", int64(253402300799))},
		{"exp is past", refused, "it has expired", with("exp", now.Add(-10*time.Minute).Unix())},
		{"exp is zero", refused, "it has expired", with("exp", 0)},

		// Items 5 to 7.
		{"nbf is in the future", refused, "not valid yet", with("nbf", now.Add(10*time.Minute).Unix())},
		{"nbf is a string", refused, "its nbf is not a number", with("nbf", "1")},
		{"iat is in the future", refused, "its iat is in the future", with("iat", now.Add(10*time.Minute).Unix())},
		{"jti is a number", refused, "its jti is not a string", with("jti", 7)},
	}
}

// RFC 7515 section 4, RFC 7519 section 4, RFC 8725 section 2.4 and 3.7: two readers of one
// assertion must not see two.
func (d *door) jsonAttacks(t *testing.T) []attack {
	t.Helper()
	plain := d.payload(t, nil)
	claimed := func(payload string) string { return d.signs(t, d.header+"}", payload) }
	before := func(members string) string { return claimed("{" + members + "," + plain[1:]) }
	headed := func(header string) string { return d.signs(t, header, plain) }
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	return []attack{
		{"alg stands twice", malformed, "twice", d.headed(t, `"alg":"none"`)},
		{"alg stands twice, once escaped", malformed, "twice", d.headed(t, `"\u0061lg":"none"`)},
		{"a member of the header stands twice", malformed, "twice", d.headed(t, `"x":1,"x":1`)},
		{"sub stands twice", malformed, "twice", before(`"sub":"root"`)},
		{"sub stands twice, once escaped", malformed, "twice", before(`"\u0073ub":"root"`)},
		{"iss stands twice", malformed, "twice", before(`"iss":"` + d.neighbor + `"`)},
		{"aud stands twice", malformed, "twice", before(`"aud":"https://evil.example"`)},
		{"a member within a claim stands twice", malformed, "twice", before(`"x":{"a":1,"a":2}`)},
		{"something stands behind the claims", malformed, "after", claimed(plain + plain)},
		{"something stands behind the header", malformed, "after", headed(d.header + "}{}")},
		{"the claims break off", malformed, "not JSON", claimed(strings.TrimSuffix(plain, "}"))},
		{"the claims are a list", malformed, "not a JSON object", claimed("[" + plain + "]")},
		{"the claims are null", malformed, "not a JSON object", claimed("null")},
		{"the claims are empty", malformed, "not JSON", claimed("")},
		{"the claims are another assertion", malformed, "not JSON", d.signs(t, d.header+`,"cty":"JWT"}`, d.signed(t, nil))},
		{"the header is a list", malformed, "not a JSON object", headed(`["` + d.alg + `"]`)},
		{"NaN", malformed, "not JSON", before(`"x":NaN`)},
		{"a comment", malformed, "not JSON", claimed("{/**/" + plain[1:])},
		{"a byte order mark", malformed, "not JSON", claimed("\ufeff" + plain)},
		{"the claims are not UTF-8", malformed, "not UTF-8", before("\"x\":\"\xff\"")},
		{"the header is not UTF-8", malformed, "not UTF-8", d.headed(t, "\"x\":\"\xff\"")},
		{"a claim nests too deep", malformed, "nests deeper", before(`"x":` + deep(16))},
		{"a claim nests without end", malformed, "nests deeper", before(`"x":` + deep(4000))},
		{"objects nest without end", malformed, "nests deeper", claimed(strings.Repeat(`{"x":`, 1500) + "1" + strings.Repeat("}", 1500))},
		{"the header nests without end", malformed, "nests deeper", d.headed(t, `"x":`+deep(3000))},
	}
}

// RFC 7515 section 4.1.11 and RFC 7797 section 6: a critical member that is not supported MUST be
// refused. RFC 8725 section 3.11: so must a token for another purpose.
func (d *door) headerAttacks(t *testing.T) []attack {
	t.Helper()
	row := func(name, why, members string) attack { return attack{name, malformed, why, d.headed(t, members)} }
	return []attack{
		row("crit names an unknown extension", "crit", `"crit":["`+marker+`"],"`+marker+`":1`),
		row("crit names what is no extension", "crit", `"crit":["exp"],"exp":1`),
		row("crit is empty", "crit", `"crit":[]`),
		row("crit is null", "crit", `"crit":null`),
		row("b64 is false and critical", "crit", `"b64":false,"crit":["b64"]`),
		row("b64 is false", "b64", `"b64":false`),
		row("b64 is true", "b64", `"b64":true`),
		row("typ is an access token's", "typ", `"typ":"at+jwt"`),
		row("typ is an access token's, spelled out in capitals", "typ", `"typ":"Application/AT+JWT"`),
		row("typ is a proof's", "typ", `"typ":"dpop+jwt"`),
		row("typ is a logout token's", "typ", `"typ":"logout+jwt"`),
		row("typ is that of the other kind of door", "typ", `"typ":"`+d.typ+`"`),
		row("typ is a number", "typ is not a string", `"typ":1`),
	}
}
