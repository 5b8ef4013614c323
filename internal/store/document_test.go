package store_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

func TestADocumentIsReadAsItWasWritten(t *testing.T) {
	for name, want := range map[string]store.Client{
		"nothing":     {},
		"no defaults": {Scopes: oauth.Scope{"read"}, DefaultScopes: oauth.Scope{}},
		"everything": {
			AuthMethods: []oauth.AuthMethod{oauth.AuthNone}, Grants: []oauth.GrantType{oauth.Password}, Scopes: oauth.Scope{"Read", "ſ"},
			Claims:      map[string]any{"Scopes": "null", "none": nil, "large": json.Number("9007199254740993"), "ü": []any{nil, "\\"}},
			RefreshIdle: time.Hour, Disabled: true, JWKS: json.RawMessage(`{"keys":[]}`), Certificates: [][]byte{{0, 255}},
			TLSSubject: store.TLSSubject{Kind: store.TLSSubjectDN, Value: "CN=null"}, TLSUnbound: true, Profile: store.ProfileFAPI2,
		},
	} {
		document, err := store.EncodeDocument(want)
		if err != nil {
			t.Fatal(err)
		}
		var got store.Client
		if err := store.DecodeDocument([]byte(document), &got); err != nil {
			t.Errorf("%s: %v in %s", name, err, document)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestADocumentThatSaysSomethingElseIsRefused(t *testing.T) {
	for name, document := range map[string]string{
		"a field that is not known":       `{"tls_bond":true}`,
		"a field of a column":             `{"id":"other"}`,
		"a name in other letters":         `{"Disabled":true}`,
		"a name in upper case":            `{"DISABLED":true}`,
		"a name with one other letter":    `{"disableD":true}`,
		"a name within in other letters":  `{"tls_subject":{"kind":"dn","vaLue":"a"}}`,
		"a name far from its colon":       `{"Disabled" : true}`,
		"a name after a text with quotes": `{"jwks_uri":"\\\"","Disabled":true}`,
		"a name that folds to another":    `{"ſcopes":["read"]}`,
		"the same, escaped":               `{"\u017fcopes":["read"]}`,
		"a text for a list":               `{"scopes":"read"}`,
		"a number for a text":             `{"jwks_uri":1}`,
		"a text for a truth":              `{"disabled":"true"}`,
		"null for a truth":                `{"disabled":null}`,
		"null for a list":                 `{"scopes":null}`,
		"null in a list":                  `{"scopes":["read",null]}`,
		"null after a text with quotes":   `{"jwks_uri":"\\\"\\\\","disabled":null}`,
		"null within":                     `{"tls_subject":{"kind":"dn","value":null}}`,
		"a field within that is no field": `{"tls_subject":{"kind":"dn","value":"a","issuer":"b"}}`,
		"a fraction for a duration":       `{"refresh_idle_ns":1.5}`,
		"an array":                        `[]`,
		"null":                            `null`,
		"nothing":                         ``,
		"two documents":                   `{"disabled":true}{"disabled":false}`,
		"half a document":                 `{"disabled":true`,
	} {
		var c store.Client
		if err := store.DecodeDocument([]byte(document), &c); err == nil {
			t.Errorf("%s: %s was read as %+v", name, document, c)
		}
	}
}

func TestCanonicalJSON(t *testing.T) {
	a, err := store.CanonicalJSON([]byte(` {"b": [1.50, "ü"], "a": {}} `))
	if err != nil || string(a) != `{"a":{},"b":[1.50,"ü"]}` {
		t.Errorf("%s, %v", a, err)
	}
}

// FuzzADocumentHasOnlyFields checks that a document is read only by the exact names of the fields,
// and not by similar ones.
func FuzzADocumentHasOnlyFields(f *testing.F) {
	for _, document := range []string{
		`{"scopes":["Read","null"],"disabled":true}`, `{"claims":{"Scopes":null,"\\":"\""}}`, `{"disableD":true}`, `{"disabled" : null}`,
		`{"\u017fcopes":["read"]}`, `{"jwks_uri":"\"","Disabled":true}`, `{"name":"\\"}`, `[]`, ``,
	} {
		f.Add([]byte(document))
	}
	fields := map[string]bool{}
	for field := range reflect.TypeFor[store.Client]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields[name] = true
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		var c store.Client
		if store.DecodeDocument(document, &c) != nil {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(document, &members); err != nil {
			t.Fatalf("%s was read, and is no object: %v", document, err)
		}
		for name, value := range members {
			if !fields[name] || string(value) == "null" {
				t.Errorf("%s was read with the member %q", document, name)
			}
		}
	})
}
