package clientauth

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func read(id string, secrets ...string) Credentials {
	return Credentials{ClientID: id, Secrets: secrets}
}

func TestBasicReadings(t *testing.T) {
	tests := []struct {
		name, userinfo string
		want           []Credentials
	}{
		{"where both readings agree there is one", "web:secret", []Credentials{read("web", "secret")}},
		{"an escape can be read both ways, the RFC's first", "web:a%20b", []Credentials{read("web", "a b", "a%20b")}},
		{"a plus sign can be read both ways", "web:a+b", []Credentials{read("web", "a b", "a+b")}},
		{"who is meant can be read both ways", "we+b:x", []Credentials{read("we b", "x"), read("we+b", "x")}},
		{"so can both halves", "we+b:x+y", []Credentials{read("we b", "x y"), read("we+b", "x+y")}},
		{"what is no escape can be read one way", "web:100%", []Credentials{read("web", "100%")}},
		{"a half that is no escape leaves the other raw too", "we%62:100%", []Credentials{read("we%62", "100%")}},
		{"the first colon divides", "a:b:c", []Credentials{read("a", "b:c")}},
		{"an escaped colon does not", "a%3Ab:c", []Credentials{read("a:b", "c"), read("a%3Ab", "c")}},
		{"both halves may be empty", ":", []Credentials{read("", "")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := SecretBasic{}.Credentials(Request{Authorization: basic(test.userinfo)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// In whatever form a client sends its identifier and secret, one of the readings finds them.
func TestBasicFindsWhatWasMeant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab +%:/=&2fFé\"\\")))
		id, secret := text.Draw(t, "identifier"), text.Draw(t, "secret")
		spelled := url.QueryEscape(id) + ":" + url.QueryEscape(secret)
		if !strings.Contains(id, ":") && rapid.Bool().Draw(t, "raw") {
			spelled = id + ":" + secret
		}
		got, err := SecretBasic{}.Credentials(Request{Authorization: basic(spelled)})
		if err != nil {
			t.Fatal(err)
		}
		for _, claim := range got {
			if claim.ClientID == id && slices.Contains(claim.Secrets, secret) {
				return
			}
		}
		t.Fatalf("%q is read as %+v, want %q and %q", spelled, got, id, secret)
	})
}

func FuzzBasicClaims(f *testing.F) {
	for _, seed := range []string{
		"Basic d2ViOnJpZ2h0", "basic d2ViOg==", "Basic", "Basic ", "Bearer x", "", "Basic =", "Basic Og==", "Basic \n", "Basic JTAwOiVmZg==", "Basic /w==", "Basic AA==",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		claims, err := SecretBasic{}.Credentials(Request{Authorization: []string{header}})
		if err != nil || len(claims) == 0 {
			if len(claims) > 0 {
				t.Errorf("claims beside an error: %+v", claims)
			}
			return
		}
		_, sent, _ := strings.Cut(header, " ")
		plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(sent))
		if err != nil || !utf8.Valid(plain) {
			t.Fatalf("%q is read though it is no text in base64", header)
		}
		// The last reading is the text as it was sent, and the earlier ones decode it.
		raw := claims[len(claims)-1]
		if raw.ClientID+":"+raw.Secrets[len(raw.Secrets)-1] != string(plain) || len(claims) > 2 || len(raw.Secrets) > 2 {
			t.Errorf("%q is read as %+v", plain, claims)
		}
		if id, err := url.QueryUnescape(raw.ClientID); len(claims) == 2 && (err != nil || id != claims[0].ClientID) {
			t.Errorf("%q is decoded to %q", raw.ClientID, claims[0].ClientID)
		}
	})
}
