package jose

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeObject(t *testing.T) {
	nested := func(depth int) string {
		return `{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "}"
	}
	for _, c := range []struct{ name, text, refused string }{
		{"empty", `{}`, ""},
		{"every kind of value", ` { "s" : "é\u00e9\n", "n" : -1.50e3, "t" : true, "f" : false, "z" : null, "a" : [1, {}], "o" : {"s" : []} } `, ""},
		{"a number beyond 64 bits", `{"n":123456789012345678901234567890}`, ""},
		{"as deep as may be", nested(maxDepth), ""},
		{"one name at two levels", `{"a":{"a":1}}`, ""},
		{"names that differ in case", `{"a":1,"A":2}`, ""},

		{"deeper", nested(maxDepth + 1), "nests deeper than 16 levels"},
		{"a member twice", `{"alg":"none","alg":"RS256"}`, "a member appears in it twice"},
		{"a member twice in two spellings", `{"alg":"none","\u0061lg":"RS256"}`, "a member appears in it twice"}, // RFC 7515 §4
		{"a member twice further in", `{"a":[{"b":1,"b":1}]}`, "a member appears in it twice"},
		{"an array", `["a"]`, "not a JSON object"},
		{"a text", `"a"`, "not a JSON object"},
		{"nothing", ``, "not JSON from byte 0 on"},
		{"cut off", `{"a":"b"`, "not JSON from byte 8 on"},
		{"cut off within an array", `{"a":[1`, "not JSON"},
		{"without quotes", `{a:1}`, "not JSON from byte 1 on"},
		{"a comma at the end", `{"a":1,}`, "not JSON"},
		{"another object after it", `{"a":1}{"a":2}`, "something comes after"},
		{"rubbish after it", `{"a":1} x`, "something comes after"},
		{"bytes that are not UTF-8", "{\"a\":\"\xff\"}", "not UTF-8"},
		{"half of a surrogate pair", `{"a":"\ud800"}`, "not JSON"}, // RFC 8259 §8.2: readers do different things with it
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DecodeObject([]byte(c.text))
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("the error is %v, want one that says %q", err, c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(byEncodingJSON(t, []byte(c.text)), got); diff != "" {
				t.Errorf("encoding/json reads it otherwise (-):\n%s", diff)
			}
		})
	}
}

// byEncodingJSON reads a text with the standard library.
func byEncodingJSON(t *testing.T, text []byte) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		t.Fatalf("encoding/json refuses %q: %v", text, err)
	}
	return object
}

// FuzzDecodeObject checks that every parser reads an accepted text in the same way, and that the
// output of encoding/json is accepted.
func FuzzDecodeObject(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"a":"b","n":1e400,"l":[null,true,{"x":"\u00e9\ud83d\ude00"}]}`, `{"a":1,"a":2}`, `{"a":"\ud800"}`, "{\"\xff\":1}", `{"a":1}{}`, `[1]`, `{"a":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := DecodeObject(text)
		if err != nil {
			return
		}
		if diff := cmp.Diff(byEncodingJSON(t, text), got); diff != "" {
			t.Fatalf("%q is read in two ways:\n%s", text, diff)
		}
		written, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeObject(written)
		if err != nil {
			t.Fatalf("%q, written by encoding/json as %q: %v", text, written, err)
		}
		if diff := cmp.Diff(got, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
