package clientauth

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestBasicReadings(t *testing.T) {
	tests := []struct {
		name, userinfo string
		want           []Claim
	}{
		{"where both readings agree there is one", "web:secret", []Claim{{ClientID: "web", Proof: "secret"}}},
		{"an escape can be read both ways, the RFC's first", "web:a%20b", []Claim{{ClientID: "web", Proof: "a b"}, {ClientID: "web", Proof: "a%20b"}}},
		{"a plus sign can be read both ways", "we+b:x", []Claim{{ClientID: "we b", Proof: "x"}, {ClientID: "we+b", Proof: "x"}}},
		{"what is no escape can be read one way", "web:100%", []Claim{{ClientID: "web", Proof: "100%"}}},
		{"a half that is no escape leaves the other raw too", "we%62:100%", []Claim{{ClientID: "we%62", Proof: "100%"}}},
		{"the first colon divides", "a:b:c", []Claim{{ClientID: "a", Proof: "b:c"}}},
		{"an escaped colon does not", "a%3Ab:c", []Claim{{ClientID: "a:b", Proof: "c"}, {ClientID: "a%3Ab", Proof: "c"}}},
		{"both halves may be empty", ":", []Claim{{ClientID: "", Proof: ""}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := SecretBasic{}.Claims(Request{Authorization: basic(test.userinfo)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// However a client spells its identifier and secret, one of the readings is them.
func TestBasicFindsWhatWasMeant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab +%:/=&2fFé\"\\")))
		want := Claim{ClientID: text.Draw(t, "identifier"), Proof: text.Draw(t, "secret")}
		spelled := url.QueryEscape(want.ClientID) + ":" + url.QueryEscape(want.Proof)
		if !strings.Contains(want.ClientID, ":") && rapid.Bool().Draw(t, "raw") {
			spelled = want.ClientID + ":" + want.Proof
		}
		got, err := SecretBasic{}.Claims(Request{Authorization: basic(spelled)})
		if err != nil {
			t.Fatal(err)
		}
		for _, claim := range got {
			if claim == want {
				return
			}
		}
		t.Fatalf("%q is read as %+v, want %+v", spelled, got, want)
	})
}

func FuzzBasicClaims(f *testing.F) {
	for _, seed := range []string{
		"Basic d2ViOnJpZ2h0", "basic d2ViOg==", "Basic", "Basic ", "Bearer x", "", "Basic =", "Basic Og==", "Basic \n", "Basic JTAwOiVmZg==", "Basic /w==", "Basic AA==",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		claims, err := SecretBasic{}.Claims(Request{Authorization: []string{header}})
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
		// The last is what was sent, and what comes before is its decoding.
		raw := claims[len(claims)-1]
		if raw.ClientID+":"+raw.Proof != string(plain) || len(claims) > 2 {
			t.Errorf("%q is read as %+v", plain, claims)
		}
		if id, err := url.QueryUnescape(raw.ClientID); len(claims) == 2 && (err != nil || id != claims[0].ClientID) {
			t.Errorf("%q is decoded to %q", raw.ClientID, claims[0].ClientID)
		}
	})
}
