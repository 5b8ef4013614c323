package pkcs11

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseURI(t *testing.T) {
	for name, test := range map[string]struct {
		uri  string
		want URI
	}{
		"a token and an id": {
			"pkcs11:token=keys;id=%01%aB%ff", URI{Token: "keys", ID: []byte{0x01, 0xab, 0xff}},
		},
		"every attribute, in any order": {
			"pkcs11:type=private;id=%01;object=web;token=keys", URI{Token: "keys", Object: "web", ID: []byte{1}, Type: "private"},
		},
		"an object alone": {"pkcs11:object=web", URI{Object: "web"}},
		"the public half names the pair too": {
			"pkcs11:object=web;type=public", URI{Object: "web", Type: "public"},
		},
		"escapes": {
			"pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;object=100%25%3b%3D%3F", URI{Token: "The Software PKCS#11 Softtoken", Object: "100%;=?"},
		},
		"an id that is not escaped": {"pkcs11:id=abc-1.2_3~", URI{ID: []byte("abc-1.2_3~")}},
		"what RFC 7512 leaves as it is": {
			"pkcs11:object=:[]@!$'()*+,=&", URI{Object: ":[]@!$'()*+,=&"},
		},
		"UTF-8": {"pkcs11:object=%C3%BC", URI{Object: "ü"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseURI(test.uri)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("ParseURI (-want +got):\n%s", diff)
			}
			again, err := ParseURI(got.String())
			if err != nil || !cmp.Equal(again, got) {
				t.Errorf("%s is read again as %v, %v", got, again, err)
			}
		})
	}
}

func TestParseURIRefuses(t *testing.T) {
	for name, test := range map[string]struct{ uri, want string }{
		"another scheme":              {"https://example.com/", `begins with "pkcs11:"`},
		"nothing":                     {"", `begins with "pkcs11:"`},
		"no attribute":                {"pkcs11:", "not name=value"},
		"a token without a key":       {"pkcs11:token=keys", "names no key"},
		"a type without a key":        {"pkcs11:type=private", "names no key"},
		"an attribute without value":  {"pkcs11:token;id=%01", "not name=value"},
		"a semicolon at the end":      {"pkcs11:id=%01;", "not name=value"},
		"an empty id":                 {"pkcs11:token=keys;id=", `"id" of the PKCS#11 URI is empty`},
		"an empty token":              {"pkcs11:token=;id=%01", `"token" of the PKCS#11 URI is empty`},
		"an attribute twice":          {"pkcs11:id=%01;id=%02", `"id" twice`},
		"a certificate":               {"pkcs11:object=web;type=cert", "type may be private or public"},
		"a slot, which may change":    {"pkcs11:slot-id=1;id=%01", `"slot-id"`},
		"a serial number":             {"pkcs11:serial=77;id=%01", `"serial"`},
		"a vendor's attribute":        {"pkcs11:x-muppet=kermit;id=%01", `"x-muppet"`},
		"an attribute in capitals":    {"pkcs11:ID=%01", `"ID"`},
		"an escape cut short":         {"pkcs11:id=%0", "two hexadecimal digits"},
		"an escape of other letters":  {"pkcs11:id=%0g", "two hexadecimal digits"},
		"a space":                     {"pkcs11:object=my key", "must be percent-encoded"},
		"a fragment":                  {"pkcs11:id=%01#x", "must be percent-encoded"},
		"a letter that is not ASCII":  {"pkcs11:object=ü", "must be percent-encoded"},
		"a label that is not UTF-8":   {"pkcs11:object=%ff", "not UTF-8"},
		"the path of a library":       {"pkcs11:id=%01?module-path=/lib/x.so", "the library and the PIN are settings"},
		"a query with nothing in it":  {"pkcs11:id=%01?", "the library and the PIN are settings"},
		"a PIN":                       {"pkcs11:id=%01?pin-value=s3cret", "set a new one"},
		"a PIN behind something else": {"pkcs11:id=%01?module-name=x&pin-value=s3cret", "set a new one"},
		"a PIN where no query begins": {"pkcs11:id=%01;pin-value=s3cret", "set a new one"},
		"a PIN without an equals":     {"pkcs11:id=%01;pin-value:s3cret", "not name=value"},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := ParseURI(test.uri)
			if err == nil {
				t.Fatalf("ParseURI = %v", u)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("ParseURI: %v; want %q in it", err, test.want)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error holds the PIN: %v", err)
			}
		})
	}
}

func TestURIString(t *testing.T) {
	u := URI{Token: "my keys", Object: "a;b", ID: []byte{0, 'a', 0xff}, Type: "private"}
	if got, want := u.String(), "pkcs11:token=my%20keys;object=a%3Bb;id=%00%61%FF;type=private"; got != want {
		t.Errorf("String = %s, want %s", got, want)
	}
}

// FuzzParseURI checks that a parsed URI is written as the same URI, and that no error contains a
// PIN.
func FuzzParseURI(f *testing.F) {
	for _, seed := range []string{
		"pkcs11:token=keys;id=%01%02%03",
		"pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;object=web;type=private",
		"pkcs11:object=:[]@!$'()*+,=&",
		"pkcs11:object=%C3%BC;type=public",
		"pkcs11:id=%0",
		"pkcs11:id=%zz;token=",
		"pkcs11:x-muppet=kermit",
		"pkcs11:id=%01?pin-source=file:/etc/pin&module-name=x",
		"pkcs11:",
		"",
	} {
		f.Add(seed)
	}
	const pin = "91725-s3cret-50384"
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURI(s)
		if err == nil {
			again, err := ParseURI(u.String())
			if err != nil || !cmp.Equal(again, u) {
				t.Errorf("%q: %s is read again as %v, %v", s, u, again, err)
			}
			if u.Object == "" && len(u.ID) == 0 {
				t.Errorf("%q names no key and is taken", s)
			}
		}
		for _, with := range []string{s + "?pin-value=" + pin, s + ";pin-value=" + pin, s + "&pin-value=" + pin} {
			_, err := ParseURI(with)
			if err != nil && strings.Contains(err.Error(), pin) && !strings.Contains(s, pin) {
				t.Errorf("the error of %q holds the PIN: %v", with, err)
			}
		}
	})
}
