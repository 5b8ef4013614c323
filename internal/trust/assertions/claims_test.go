package assertions

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/jose"
	"authserver/internal/store"
)

func TestVerifySays(t *testing.T) {
	got, err := check(newVerifier(), noon, e1(t, map[string]any{"scope": "read write", "aud": []any{self, self + "/oauth2/token"}}), newIssuer(t))
	if err != nil {
		t.Fatal(err)
	}
	want := Assertion{
		Issuer: idp, Subject: "alice", Scope: "read write", HasScope: true, ID: got.ID,
		ExpiresAt: noon.Add(5*time.Minute + skew),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// test/blackbox tries the claims on the running server. These are the details.
func TestClaimDetails(t *testing.T) {
	const badAud = "its aud must be https://as.example.com or https://as.example.com/oauth2/token, and nothing else"
	long := strings.Repeat("x", jose.MaxName+1)
	at := func(d time.Duration) int64 { return noon.Add(d).Unix() }
	tests := []struct {
		name    string
		changes map[string]any
		want    string
	}{
		// RFC 7523 §3, item 1.
		{"another issuer", map[string]any{"iss": "https://idp.example.com/"}, "its iss is not"},
		{"the issuer in capitals", map[string]any{"iss": "https://IDP.example.com"}, "its iss is not"},
		{"an issuer with NUL", map[string]any{"iss": idp + "\x00"}, "its iss is not"},

		// Item 2.
		{"an empty subject", map[string]any{"sub": ""}, "its claim sub, which names the subject, is missing"},
		{"a subject that is an object", map[string]any{"sub": map[string]any{"id": "alice"}}, "its sub is not a string"},
		{"a subject that is null", map[string]any{"sub": json.RawMessage("null")}, "its sub is not a string"},
		{"a subject without end", map[string]any{"sub": long}, "its sub is not a string of at most"},
		{"a subject with NUL", map[string]any{"sub": "alice\x00"}, "without NUL"},

		// Item 3: this server, and no other audience.
		{"an audience that is empty", map[string]any{"aud": ""}, badAud},
		{"an audience that is a number", map[string]any{"aud": 1}, "its aud is not a string or an array of strings"},
		{"an audience that is null", map[string]any{"aud": json.RawMessage("null")}, "its aud is missing"},
		{"a list within the list", map[string]any{"aud": []any{[]any{self}}}, "its aud is not a string or an array of strings"},
		{"in capitals", map[string]any{"aud": strings.ToUpper(self)}, badAud},
		{"a beginning of it", map[string]any{"aud": self[:len(self)-1]}, badAud},

		// Item 4.
		{"its lifetime is longer than its issuer may", map[string]any{"exp": at(time.Hour + skew + time.Second)}, "its lifetime is longer than 1h0m0s"},
		{"iat does not lengthen its life", map[string]any{"exp": at(2 * time.Hour), "iat": at(90 * time.Minute)}, "its lifetime is longer than 1h0m0s"},

		// Items 5 and 6.
		{"nbf is in milliseconds", map[string]any{"nbf": noon.UnixMilli()}, "its nbf is after the year 9999: it has to be in seconds since 1970, and not in milliseconds"},
		{"iat is text", map[string]any{"iat": "1"}, "its iat is not a number"},
		{"iat is negative", map[string]any{"iat": -5}, "its iat is not a number of seconds since 1970"},

		// Item 7.
		{"jti without end", map[string]any{"jti": long}, "its jti is not a string of at most"},
		{"scope is an object", map[string]any{"scope": map[string]any{"read": true}}, "its scope is not a string"},
		{"scope is a number", map[string]any{"scope": 7}, "its scope is not a string"},
		{"scope is an array with a number", map[string]any{"scope": []any{"read", 7}}, "its scope is an array with a value that is not a string"},
		{"scope is an array within an array", map[string]any{"scope": []any{[]any{"read"}}}, "its scope is an array with a value that is not a string"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := check(newVerifier(), noon, e1(t, test.changes), newIssuer(t))
			refused(t, err, test.want)
		})
	}
}

// exponent writes a number as 1.7723664e9.
func exponent(n int64) json.Number {
	return json.Number(strconv.FormatFloat(float64(n), 'e', -1, 64))
}

// Every moment has exactly the skew as its limit: one second more is refused.
func TestTimesAtTheirBounds(t *testing.T) {
	at := func(d time.Duration) int64 { return noon.Add(d).Unix() }
	tests := []struct {
		name    string
		changes map[string]any
		want    string // "": valid
	}{
		{"exp a second short of the skew ago", map[string]any{"exp": at(-skew + time.Second)}, ""},
		{"exp the skew ago", map[string]any{"exp": at(-skew)}, "it has expired"},
		{"exp a second more than the skew ago", map[string]any{"exp": at(-skew - time.Second)}, "it has expired"},
		{"exp as far as it may be", map[string]any{"exp": at(time.Hour + skew)}, ""},
		{"exp a second further", map[string]any{"exp": at(time.Hour + skew + time.Second)}, "its lifetime is longer"},
		{"nbf a second less than the skew ahead", map[string]any{"nbf": at(skew - time.Second)}, ""},
		{"nbf the skew ahead", map[string]any{"nbf": at(skew)}, ""},
		{"nbf a second more than the skew ahead", map[string]any{"nbf": at(skew + time.Second)}, "nbf is in the future"},
		{"iat a second less than the skew ahead", map[string]any{"iat": at(skew - time.Second)}, ""},
		{"iat the skew ahead", map[string]any{"iat": at(skew)}, ""},
		{"iat a second more than the skew ahead", map[string]any{"iat": at(skew + time.Second)}, "its iat is in the future"},
		{"iat long ago", map[string]any{"iat": 0}, ""},
		{"dates with a fraction (RFC 7519 section 2)", map[string]any{"exp": json.Number(fmt.Sprintf("%d.123456789", at(time.Minute))), "nbf": json.Number(fmt.Sprintf("%d.0", at(0))), "iat": 1.5}, ""},
		{"dates with an exponent", map[string]any{"exp": exponent(at(time.Minute)), "nbf": exponent(at(0)), "iat": json.Number("1E+3")}, ""},
		{"exp half a second short of the skew ago", map[string]any{"exp": json.Number(fmt.Sprintf("%d.5", at(-skew)))}, ""},
		{"nbf half a second more than the skew ahead", map[string]any{"nbf": json.Number(fmt.Sprintf("%d.5", at(skew)))}, "nbf is in the future"},
		{"no nbf and no iat, which are optional", map[string]any{"iat": nil}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := check(newVerifier(), noon, e1(t, test.changes), newIssuer(t))
			if test.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			refused(t, err, test.want)
		})
	}
}

func TestSubjectClaims(t *testing.T) {
	for _, test := range []struct {
		name, claim string
		changes     map[string]any
		subject     string
		want        string
	}{
		{"email names the subject", "email", map[string]any{"email": "alice@example.com"}, "alice@example.com", ""},
		{"an email that its holder proved", "email", map[string]any{"email": "a@b.c", "email_verified": true}, "a@b.c", ""},
		{"an email that its holder proved, in text", "email", map[string]any{"email": "a@b.c", "email_verified": "true"}, "a@b.c", ""},
		{"an email that was not verified (OpenID Connect Core section 5.7)", "email", map[string]any{"email": "a@b.c", "email_verified": false}, "", "email_verified"},
		{"an email that was not verified, in text", "email", map[string]any{"email": "a@b.c", "email_verified": "false"}, "", "email_verified"},
		{"an email that is proved in numbers", "email", map[string]any{"email": "a@b.c", "email_verified": 1}, "", "email_verified"},
		{"email_verified says nothing of another claim", "upn", map[string]any{"upn": "alice@corp", "email_verified": false}, "alice@corp", ""},
		{"sub does not stand in for the claim", "upn", nil, "", "its claim upn, which names the subject, is missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			issuer := newIssuer(t)
			issuer.SubjectClaim = test.claim
			got, err := check(newVerifier(), noon, e1(t, test.changes), issuer)
			if test.want != "" {
				refused(t, err, test.want)
			} else if err != nil || got.Subject != test.subject {
				t.Errorf("got %q, %v; want %q", got.Subject, err, test.subject)
			}
		})
	}
}

// The server looks up the "iss" of an assertion before it verifies the signature.
func TestIssuerIsFitForAQuery(t *testing.T) {
	for name, changes := range map[string]map[string]any{
		"NUL":        {"iss": "https://idp\x00"},
		"a kilobyte": {"iss": strings.Repeat("i", jose.MaxName+1)},
		"a number":   {"iss": 1},
		"nothing":    {"iss": nil},
	} {
		parsed, err := Parse(e1(t, changes), GrantTypes())
		if err != nil {
			t.Fatal(err)
		}
		if got := parsed.Issuer(); got != "" {
			t.Errorf("%s: Issuer() = %q, want none", name, got)
		}
	}
}

// The ID is the name under which an assertion is good once.
func TestIDs(t *testing.T) {
	id := func(assertion string) [32]byte {
		t.Helper()
		a, err := check(newVerifier(), noon, assertion, newIssuer(t))
		if err != nil {
			t.Fatal(err)
		}
		return a.ID
	}
	again := e1(t, nil)
	if id(again) != id(e1(t, map[string]any{"sub": "bob"})) {
		t.Error("one jti in two assertions has two names (RFC 7519 section 4.1.7)")
	}
	if id(again) == id(e1(t, map[string]any{"jti": "2"})) {
		t.Error("two jti have one name")
	}
	without := e1(t, map[string]any{"jti": nil})
	if first, second := id(without), id(without); first != second {
		t.Error("an assertion has two names")
	}
	if id(without) == id(e1(t, map[string]any{"jti": nil, "sub": "bob"})) {
		t.Error("two assertions without jti have one name")
	}
	if empty := (map[string]any{"jti": ""}); id(e1(t, empty)) == id(e1(t, map[string]any{"jti": "", "sub": "bob"})) {
		t.Error("an empty jti counts as one")
	}
}

func TestFaultsAreTheServers(t *testing.T) {
	opens := newVerifier()
	opens.Opener = box{as: store.SealedAs("issuers", idp), err: errors.New("no data key")}
	hmac := forge(t, "HS256", secret, `{"alg":"HS256"}`, asJSON(t, claims(nil)))
	for _, test := range []struct {
		name      string
		verifier  *Verifier
		assertion string
		change    func(*store.Issuer)
	}{
		{"a secret that does not unseal", opens, hmac, func(i *store.Issuer) { i.SealedSecret, i.JWKS, i.Algorithms = []byte("sealed"), nil, []string{"HS256"} }},
		{"a secret of another row", newVerifier(), hmac, func(i *store.Issuer) {
			i.ID, i.SealedSecret, i.JWKS, i.Algorithms = "https://other.example", []byte("sealed"), nil, []string{"HS256"}
		}},
		{"a key set that is damaged", newVerifier(), e1(t, nil), func(i *store.Issuer) { i.JWKS = json.RawMessage("{") }},
		{"a certificate that is damaged", newVerifier(), e1(t, nil), func(i *store.Issuer) { i.JWKS, i.Certificates = nil, [][]byte{{1}} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			issuer := newIssuer(t)
			test.change(&issuer)
			_, err := check(test.verifier, noon, test.assertion, issuer)
			if fault := (*Fault)(nil); !errors.As(err, &fault) {
				t.Errorf("got %v, want a Fault", err)
			}
		})
	}
}
