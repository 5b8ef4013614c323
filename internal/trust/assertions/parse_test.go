package assertions

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The standard library reads everything that Parse accepts in the same way, so no other reader sees
// another assertion in the same bytes.
func FuzzParse(f *testing.F) {
	good := asJSON(f, claims(nil))
	seed := func(header, payload string) { f.Add([]byte(header), []byte(payload), "c2ln") }
	seed(`{"alg":"ES256","kid":"e1"}`, good)
	seed(`{"alg":"RS256","x5t":"a","x5t#S256":"b","typ":"JWT"}`, good)
	seed(`{"alg":"none"}`, `{}`)
	seed(`{"alg":"ES256","crit":["b64"],"b64":false}`, good)
	seed(`{"alg":"ES256","alg":"none"}`, `{"a":1,"a":2}`)
	seed(`{"alg":"\ud800"}`, `{"sub":"\ud83d\ude00","x":[1e400,-0,{"y":[]}]}`)
	seed(`["alg"]`, `null`)
	seed(`{"alg":"ES256"} `, "{\"\":\"\\u0000\"}\n")
	seed(`{"alg":"ES256"}`, `{"x":`+strings.Repeat("[", 100))
	seed("{\"alg\":\"\xff\"}", "\ufeff{}")
	f.Add([]byte("{}"), []byte("{}"), "\n=+/")
	f.Fuzz(func(t *testing.T, header, payload []byte, signature string) {
		parsed, err := Parse(base64.RawURLEncoding.EncodeToString(header)+"."+base64.RawURLEncoding.EncodeToString(payload)+"."+signature, GrantTypes())
		if err != nil {
			return
		}
		decoder := json.NewDecoder(bytes.NewReader(payload))
		decoder.UseNumber()
		var want map[string]any
		if err := decoder.Decode(&want); err != nil {
			t.Fatalf("the standard library refuses it: %v", err)
		}
		if diff := cmp.Diff(want, parsed.Claims); diff != "" {
			t.Errorf("claims (-standard library +Parse):\n%s", diff)
		}
		var members struct {
			Alg string `json:"alg"`
			KID string `json:"kid"`
		}
		var exact map[string]any
		if err := json.Unmarshal(header, &exact); err != nil {
			t.Fatalf("the standard library refuses the header: %v", err)
		}
		members.Alg, _ = exact["alg"].(string)
		members.KID, _ = exact["kid"].(string)
		if members.Alg != parsed.Header.Alg || members.KID != parsed.Header.KID {
			t.Errorf("the header is %+v, and %+v in the standard library", parsed.Header, members)
		}
	})
}

// The input is any text from a client.
func FuzzParseText(f *testing.F) {
	for _, seed := range []string{"", ".", "..", "...", "....", "e30.e30.", "eyJhbGciOiJub25lIn0.e30.", "\x00.\x00.\x00", "e30=.e30.e30"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := Parse(text, GrantTypes())
		if err != nil {
			return
		}
		parts := strings.Split(text, ".")
		if len(parts) != 3 || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			t.Fatalf("%q is accepted", text)
		}
		if parsed.Input != parts[0]+"."+parts[1] {
			t.Errorf("%q is over %q", text, parsed.Input)
		}
	})
}

// The texts of refusals are ours: they repeat nothing of the assertion.
func TestParseErrorsHoldNothingOfTheAssertion(t *testing.T) {
	const marker = "s3cr3t-marker"
	for _, payload := range []string{
		`{"` + marker + `":1,"` + marker + `":2}`, `{"a":"` + marker + `"`, `"` + marker + `"`, `{"a":` + marker + `}`,
	} {
		for _, header := range []string{`{"alg":"ES256"}`, `{"alg":"ES256","kid":["` + marker + `"]}`, `{"alg":"ES256","typ":"` + marker + `"}`} {
			_, err := Parse(encode(header)+"."+encode(payload)+"."+encode(marker), GrantTypes())
			if err == nil {
				t.Errorf("%s %s is accepted", header, payload)
				continue
			}
			if strings.Contains(err.Error(), marker) {
				t.Errorf("the error repeats it: %v", err)
			}
		}
	}
}
