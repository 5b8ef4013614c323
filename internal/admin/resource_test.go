package admin_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/admin"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

func TestTheJSONOfAResource(t *testing.T) {
	o := newOffice(t)
	o.resource()
	r, err := o.Resources.Get(t.Context(), by, api)
	o.must(err)
	const want = `{"id":"https://api.example.com","name":"","scopes":["read","write"],"access_token_ttl_seconds":900,"signing_alg":"RS256","token_typ":"at+jwt","claims":{},` +
		`"created_at":"2026-03-01T12:00:00.123456Z","updated_at":"2026-03-01T12:00:00.123456Z"}`
	if got := asJSON(t, r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	all, err := o.Resources.List(t.Context(), by, admin.Page{Limit: 10})
	o.must(err)
	if got := asJSON(t, all); got != "["+want+"]" {
		t.Errorf("listed\n%s", got)
	}
}

func TestResourcesAreRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		id    string
		in    admin.ResourceInput
		field admin.Field
		code  admin.Code
		want  []string
	}{
		{"an identifier with a blank", "my api", admin.ResourceInput{}, "id", admin.CodeInvalid, []string{"without blanks"}},
		{"an identifier with a fragment", api + "#a", admin.ResourceInput{}, "id", admin.CodeInvalid, []string{"fragment"}},
		{"a scope that RFC 6749 does not allow", api, admin.ResourceInput{Scopes: []string{"read", "a b"}}, "scopes[1]", admin.CodeInvalid, nil},
		{"a lifetime of nothing", api, admin.ResourceInput{AccessTokenTTL: ptr(time.Duration(0))}, "access_token_ttl_seconds", admin.CodeInvalid, nil},
		{"a lifetime longer than the longest", api, admin.ResourceInput{AccessTokenTTL: ptr(25 * time.Hour)}, "access_token_ttl_seconds", admin.CodeConflict, []string{"max-access-token-ttl"}},
		{"an algorithm that no key has", api, admin.ResourceInput{SigningAlg: ptr("HS256")}, "signing_alg", admin.CodeUnsupported, []string{"RS256, ES256"}},
		{"a type of other JWTs", api, admin.ResourceInput{TokenTyp: ptr("jwt")}, "token_typ", admin.CodeUnsupported, []string{"at+jwt, JWT"}},
		{"no type at all", api, admin.ResourceInput{TokenTyp: ptr("")}, "token_typ", admin.CodeUnsupported, []string{"at+jwt, JWT"}},
		{"typ JWT for this server itself", self, admin.ResourceInput{TokenTyp: ptr("JWT")}, "token_typ", admin.CodeConflict, []string{"this server itself"}},
		{"a claim of ID tokens", api, admin.ResourceInput{Claims: map[string]any{"at_hash": "x"}}, "claims", admin.CodeInvalid, nil},
		{"a claim that is the server's own", api, admin.ResourceInput{Claims: map[string]any{"aud": "x"}}, "claims", admin.CodeInvalid, nil},
		{"claims that no header can carry", api, admin.ResourceInput{Claims: map[string]any{"x": strings.Repeat("x", 4096)}}, "claims", admin.CodeTooLong, nil},
		{"a name with a line break", api, admin.ResourceInput{Name: ptr("a\nb")}, "name", admin.CodeInvalid, nil},
		{"a name without end", api, admin.ResourceInput{Name: ptr(strings.Repeat("n", 256))}, "name", admin.CodeTooLong, nil},
		{"an encryption without a key", api, admin.ResourceInput{EncryptionEnc: ptr("A256GCM")}, "encryption_enc", admin.CodeConflict, []string{"encryption_jwk"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			_, _, err := o.Resources.Create(t.Context(), by, admin.NewResource{ID: c.id, ResourceInput: c.in})
			wantFault(t, err, c.field, c.code, c.want...)
		})
	}
}

// The error has every fault, but none that follows from another.
func TestAllFaultsAreToldAtOnce(t *testing.T) {
	o := newOffice(t)
	_, _, err := o.Resources.Create(t.Context(), by, admin.NewResource{ID: "my api", ResourceInput: admin.ResourceInput{
		Name: ptr("a\nb"), Scopes: []string{"a b", "read", ""}, SigningAlg: ptr("HS256"), EncryptionJWK: []byte("{}"), EncryptionEnc: ptr("A256GCM"),
	}})
	var faults admin.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got %v", err)
	}
	var fields []admin.Field
	for _, f := range faults {
		fields = append(fields, f.Field)
	}
	want := []admin.Field{"id", "name", "scopes[0]", "scopes[2]", "signing_alg", "encryption_jwk"}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	told, err := json.Marshal(faults[:1])
	o.must(err)
	if want := `[{"field":"id","code":"invalid","text":"`; !strings.HasPrefix(string(told), want) {
		t.Errorf("the JSON is %s, want %s…", told, want)
	}
}

func TestAnUpdateOfAResourceChangesWhatIsGivenAlone(t *testing.T) {
	o := newOffice(t)
	o.resource()
	before, err := o.store.Resource(t.Context(), api)
	o.must(err)
	o.clock = o.clock.Add(time.Hour)
	_, warnings, err := o.Resources.Update(t.Context(), by, api, admin.ResourceInput{Scopes: []string{"a,b"}, AccessTokenTTL: ptr(time.Minute), SigningAlg: ptr("ES256"), Name: ptr("API")})
	o.must(err)
	if len(warnings) != 1 || !strings.Contains(said(warnings[0:]), "comma") {
		t.Errorf("warnings: %q", warnings)
	}
	want := before
	want.Scopes, want.AccessTokenTTL, want.SigningAlg, want.Name = oauth.Scope{"a,b"}, time.Minute, "ES256", "API"
	want.Version, want.UpdatedAt = 2, o.now()
	after, err := o.store.Resource(t.Context(), api)
	o.must(err)
	if diff := cmp.Diff(want, after); diff != "" {
		t.Error(diff)
	}
}

func TestAResourceThatIsThereOrNot(t *testing.T) {
	o := newOffice(t)
	o.resource()
	if _, _, err := o.Resources.Create(t.Context(), by, admin.NewResource{ID: api}); !errors.Is(err, store.ErrExists) {
		t.Errorf("created twice: %v", err)
	}
	o.must(o.Resources.Delete(t.Context(), by, api))
	_, showErr := o.Resources.Get(t.Context(), by, api)
	_, _, updateErr := o.Resources.Update(t.Context(), by, api, admin.ResourceInput{})
	for _, err := range []error{showErr, updateErr, o.Resources.Delete(t.Context(), by, api)} {
		if !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "resource list") {
			t.Errorf("got %v", err)
		}
	}
}
