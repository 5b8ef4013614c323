package main

import (
	"reflect"
	"strings"
	"testing"

	"authserver/internal/admin"
)

// inputs are the operations with fields, by their commands.
var inputs = map[string]any{
	"resource create":      admin.NewResource{},
	"resource update":      admin.ResourceInput{},
	"client create":        admin.NewClient{},
	"client update":        admin.ClientInput{},
	"client rotate-secret": admin.SecretRotation{},
	"issuer create":        admin.NewIssuer{},
	"issuer update":        admin.IssuerInput{},
	"assertion sign":       admin.NewAssertion{},
	"dpop proof":           admin.NewDPoPProof{},
	"key import":           admin.KeyImport{},
	"key certify": struct {
		Certificates []byte `field:"certificates"`
	}{},
	"key rotate": struct {
		Algorithms []string `field:"algorithms"`
	}{},
	"key revoke": struct {
		Reason string `field:"reason"`
	}{},
	"audit list":  admin.EventQuery{},
	"user create": admin.UserInput{},
	"user update": admin.UserInput{},
}

// fieldsOfInput returns the fields that a fault of an input may name.
func fieldsOfInput(t *testing.T, input reflect.Type) []admin.Field {
	t.Helper()
	var fields []admin.Field
	for i := range input.NumField() {
		member := input.Field(i)
		if member.Type.Kind() == reflect.Func { // a function sets no field
			continue
		}
		if member.Anonymous || member.Type.Kind() == reflect.Struct && member.Tag == "" { // a group of fields
			fields = append(fields, fieldsOfInput(t, member.Type)...)
			continue
		}
		field, ok := member.Tag.Lookup("field")
		if !ok {
			t.Errorf("%s.%s has no tag for its field", input, member.Name)
		}
		fields = append(fields, admin.Field(field))
	}
	return fields
}

// Every field has a flag, because a message is useless without the place of the fault.
func TestEachFieldHasAFlag(t *testing.T) {
	for path, input := range inputs {
		p := &process{path: strings.Fields(path)}
		called, err := p.names()
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range fieldsOfInput(t, reflect.TypeOf(input)) {
			if name := called.Field(field); !strings.HasPrefix(name, "--") && !strings.HasPrefix(name, "<") {
				t.Errorf("%s has no flag for %s", path, field)
			}
		}
	}
}

func TestWhatTextsMentionIsCalledAsOnTheCommandLine(t *testing.T) {
	p := &process{path: []string{"client", "create"}, given: map[string]bool{"tls-san-dns": true}}
	called, err := p.names()
	if err != nil {
		t.Fatal(err)
	}
	for want, got := range map[string]string{
		"--access-token-ttl": called.(names).at("resource", "update").Field("access_token_ttl_seconds"),
		"--scope":            called.Field("scopes[1]"),
		"--tls-san-dns":      called.Field("tls_subject"),
		"--tls-subject-dn, --tls-san-dns, --tls-san-uri, --tls-san-ip or --tls-san-email": called.(names).at("client", "update").Field("tls_subject"),
		"<client-id>":                                           called.(names).at("client", "update").Field("client_id"),
		"--clock-skew":                                          called.Setting("clock-skew"),
		"`authserver client create --id orders`":                called.Operation(admin.Operation{Noun: "client", Verb: "create", ID: "orders"}),
		"`authserver key rotate`":                               called.Operation(admin.Operation{Noun: "key", Verb: "rotate"}),
		"`authserver client update 'a b'`":                      called.Operation(admin.Operation{Noun: "client", Verb: "update", ID: "a b"}),
		"`authserver resource create --id urn:x --scope 'a b'`": called.Operation(admin.Operation{Noun: "resource", Verb: "create", ID: "urn:x", Field: "scopes", Value: "a b"}),
		"`authserver issuer update urn:i --disabled=false`":     called.Operation(admin.Operation{Noun: "issuer", Verb: "update", ID: "urn:i", Field: "disabled", Value: "false"}),
		"`authserver client update web --tls-bound`":            called.Operation(admin.Operation{Noun: "client", Verb: "update", ID: "web", Field: "tls_bound", Value: "true"}),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// at returns the names of another command, without any flags.
func (n names) at(path ...string) names { return names{root: n.root, command: find(n.root, path...)} }
