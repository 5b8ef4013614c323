package store_test

import (
	"encoding/json"
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
		"a name that folds to another":    `{"ſcopes":["read"]}`,
		"the same, escaped":               `{"\u017fcopes":["read"]}`,
		"a text for a list":               `{"scopes":"read"}`,
		"a number for a text":             `{"jwks_uri":1}`,
		"a text for a truth":              `{"disabled":"true"}`,
		"null for a truth":                `{"disabled":null}`,
		"null for a list":                 `{"scopes":null}`,
		"null in a list":                  `{"scopes":["read",null]}`,
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
