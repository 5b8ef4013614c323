package admin_test

import (
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
	r, err := o.Resource(t.Context(), by, api)
	o.must(err)
	const want = `{"id":"https://api.example.com","name":"","scopes":["read","write"],"access_token_ttl_seconds":900,"signing_alg":"RS256","token_typ":"at+jwt","claims":{},` +
		`"created_at":"2026-03-01T12:00:00.123456Z","updated_at":"2026-03-01T12:00:00.123456Z"}`
	if got := asJSON(t, r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	all, err := o.Resources(t.Context(), by, admin.Page{Limit: 10})
	o.must(err)
	if got := asJSON(t, all); got != "["+want+"]" {
		t.Errorf("listed\n%s", got)
	}
}

func TestResourcesAreRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		id   string
		f    admin.ResourceFields
		want []string
	}{
		{"an identifier with a blank", "my api", admin.ResourceFields{}, []string{"--id", "without blanks"}},
		{"an identifier with a fragment", api + "#a", admin.ResourceFields{}, []string{"--id", "fragment"}},
		{"a scope that RFC 6749 does not allow", api, admin.ResourceFields{Scopes: []string{"a b"}}, []string{"--scope"}},
		{"a lifetime of nothing", api, admin.ResourceFields{AccessTokenTTL: ptr(time.Duration(0))}, []string{"--access-token-ttl"}},
		{"a lifetime longer than the longest", api, admin.ResourceFields{AccessTokenTTL: ptr(25 * time.Hour)}, []string{"--access-token-ttl", "--max-access-token-ttl"}},
		{"an algorithm that no key has", api, admin.ResourceFields{SigningAlg: ptr("HS256")}, []string{"--signing-alg", "RS256, ES256"}},
		{"a type of other JWTs", api, admin.ResourceFields{TokenTyp: ptr("jwt")}, []string{"--token-typ", "at+jwt, JWT"}},
		{"no type at all", api, admin.ResourceFields{TokenTyp: ptr("")}, []string{"--token-typ", "at+jwt, JWT"}},
		{"typ JWT for this server itself", self, admin.ResourceFields{TokenTyp: ptr("JWT")}, []string{"--token-typ", "this server itself"}},
		{"a claim of ID tokens", api, admin.ResourceFields{Claims: map[string]any{"at_hash": "x"}}, []string{"--claim"}},
		{"a claim that is the server's own", api, admin.ResourceFields{Claims: map[string]any{"aud": "x"}}, []string{"--claim"}},
		{"a name with a line break", api, admin.ResourceFields{Name: ptr("a\nb")}, []string{"--name"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			_, _, err := o.CreateResource(t.Context(), by, c.id, c.f)
			wantInvalid(t, err, c.want...)
		})
	}
}

func TestAnUpdateOfAResourceChangesWhatIsGivenAlone(t *testing.T) {
	o := newOffice(t)
	o.resource()
	before, err := o.store.Resource(t.Context(), api)
	o.must(err)
	o.clock = o.clock.Add(time.Hour)
	_, warnings, err := o.UpdateResource(t.Context(), by, api, admin.ResourceFields{Scopes: []string{"a,b"}, AccessTokenTTL: ptr(time.Minute), SigningAlg: ptr("ES256"), Name: ptr("API")})
	o.must(err)
	if len(warnings) != 1 || !strings.Contains(warnings[0], "comma") {
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
	if _, _, err := o.CreateResource(t.Context(), by, api, admin.ResourceFields{}); !errors.Is(err, store.ErrExists) {
		t.Errorf("created twice: %v", err)
	}
	o.must(o.DeleteResource(t.Context(), by, api))
	_, showErr := o.Resource(t.Context(), by, api)
	_, _, updateErr := o.UpdateResource(t.Context(), by, api, admin.ResourceFields{})
	for _, err := range []error{showErr, updateErr, o.DeleteResource(t.Context(), by, api)} {
		if !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "resource list") {
			t.Errorf("got %v", err)
		}
	}
}
