package storetest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

func clientTests() []test {
	return []test{
		{"a client comes back as it was created", with(clientRoundTrip)},
		{"a client with nothing comes back with nothing", with(clientMinimal)},
		{"no default scopes and an empty set of them are told apart", with(clientDefaultScopes)},
		{"a second client of the same identifier is refused", with(clientExists)},
		{"an update counts the version and replaces everything but the creation", with(clientUpdate)},
		{"an update of an old version is a conflict and changes nothing", with(clientConflict)},
		{"an update or deletion of no client says so", with(clientMissing)},
		{"a deletion voids the client's tokens and frees its identifier", with(clientDelete)},
		{"a listing goes through the identifiers byte by byte", with(clientList)},
		{"a listing finds a text in the names", with(listSearch)},
		{"a listing without a sensible limit is refused", with(listLimit)},
		{"an identifier that no form could carry is refused by the engine", with(clientIDs)},
		{"more than five secrets are refused by the engine", with(clientSecrets)},
		{"each way to prove itself comes back as it was", with(clientProofs)},
		{"what no client can be is refused by the engine", with(clientConstraints)},
		{"whether tokens are bound to a certificate is always, never, or neither", with(clientBinding)},
		{"identifiers that differ in case are two clients", with(clientCase)},
	}
}

func fullClient() store.Client {
	return store.Client{
		ID: `quote'd "web" client; -- \`, Name: "Wäb ☃ 'app'",
		AuthMethods: []oauth.AuthMethod{oauth.AuthBasic, oauth.AuthPost},
		Secrets: []store.ClientSecret{
			{ID: "one", Kind: store.SecretSHA256, Hash: []byte{0, 1, 255}, CreatedAt: at(0), ExpiresAt: at(time.Hour)},
			{ID: "two", Kind: store.SecretBcrypt, Hash: []byte("$2a$12$x"), CreatedAt: at(time.Second)},
			{ID: "three", Kind: store.SecretSealed, Hash: []byte{255, 0}, CreatedAt: at(time.Second)},
		},
		Grants: []oauth.GrantType{oauth.ClientCredentials, oauth.JWTBearer},
		Scopes: oauth.Scope{"write", "read", "a:b,c{}'"}, DefaultScopes: oauth.Scope{"read"},
		Resources: []string{"https://b.example.com", "https://a.example.com"}, Serves: []string{"urn:x"},
		Roles: []string{"r 2", "r 1", "NULL", ""}, Permissions: []string{"p,\"q\""},
		Claims:      aClaims(),
		RefreshIdle: 90*time.Minute + time.Microsecond, RefreshMax: 400 * 24 * time.Hour, Disabled: true,
		JWKS: json.RawMessage(`{"keys": [{"kty":"EC",  "kid":"ü"}]}`), Certificates: [][]byte{{0x30, 0, 255}, {0x30}},
		TLSSubject: store.TLSSubject{Kind: store.TLSSubjectDN, Value: `CN=a\,b,O="ü"`}, EndpointAudience: true,
		AllowRepeat: true, AssertUsers: []string{"*@example.com", `"a",{b}`}, AssertRoles: []string{"staff", "NULL"}, Impersonates: []string{"svc-*"},
		DPoPBound: true, TLSBound: true, AssertionAlgs: []string{"PS256", "ES256"}, Profile: store.ProfileFAPI2,
		NotBefore: at(time.Minute), Version: 1, CreatedAt: at(0), UpdatedAt: at(time.Minute),
	}
}

func aClaims() map[string]any {
	return map[string]any{
		"tenant": "ten<ant> & 'co'", "large": json.Number("9007199254740993"), "exact": json.Number("0.1234567890123456789"),
		"yes": true, "none": nil, "deep": map[string]any{"list": []any{"a", json.Number("1"), map[string]any{}}},
	}
}

func clientBinding(t *testing.T, ctx context.Context, s store.Store) {
	never := aClient("never")
	never.TLSUnbound = true
	ok(t, s.CreateClient(ctx, never, By()))
	same(t, must[store.Client](t)(s.Client(ctx, "never")), never)
	never.TLSBound, never.TLSUnbound = true, false
	ok(t, s.UpdateClient(ctx, never, By()))
	never.Version = 2
	same(t, must[store.Client](t)(s.Client(ctx, "never")), never)
	both := aClient("both")
	both.TLSBound, both.TLSUnbound = true, true
	refused(t, s.CreateClient(ctx, both, By()))
}

func clientRoundTrip(t *testing.T, ctx context.Context, s store.Store) {
	want := fullClient()
	ok(t, s.CreateClient(ctx, want, By()))
	got, err := s.Client(ctx, want.ID)
	ok(t, err)
	same(t, got, want)
	if got.CreatedAt.Location() != time.UTC {
		t.Errorf("moments come back in %s, want UTC", got.CreatedAt.Location())
	}
}

func clientMinimal(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.CreateClient(ctx, store.Client{
		ID: "bare", Grants: []oauth.GrantType{}, Roles: []string{}, Claims: map[string]any{}, Secrets: []store.ClientSecret{},
		CreatedAt: at(0), UpdatedAt: at(0), Version: 7,
	}, By()))
	got, err := s.Client(ctx, "bare")
	ok(t, err)
	same(t, got, store.Client{ID: "bare", NotBefore: at(0), Version: 1, CreatedAt: at(0), UpdatedAt: at(0)})
}

func clientDefaultScopes(t *testing.T, ctx context.Context, s store.Store) {
	c := aClient("empty")
	c.DefaultScopes = oauth.Scope{}
	ok(t, s.CreateClient(ctx, c, By()))
	got, err := s.Client(ctx, "empty")
	ok(t, err)
	if got.DefaultScopes == nil {
		t.Error("an empty set of default scopes came back as none")
	}
	got.DefaultScopes = nil
	ok(t, s.UpdateClient(ctx, got, By()))
	got, err = s.Client(ctx, "empty")
	ok(t, err)
	if got.DefaultScopes != nil {
		t.Errorf("no default scopes came back as %#v", got.DefaultScopes)
	}
}

func clientExists(t *testing.T, ctx context.Context, s store.Store) {
	first := aClient("web")
	first.Name = "the first"
	ok(t, s.CreateClient(ctx, first, By()))
	wantErr(t, s.CreateClient(ctx, aClient("web"), By()), store.ErrExists)
	got, err := s.Client(ctx, "web")
	ok(t, err)
	same(t, got, first)
}

func clientUpdate(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.CreateClient(ctx, aClient("web"), By()))
	want := fullClient()
	want.ID, want.CreatedAt = "web", at(-time.Hour)
	voids := voidsClient("web", time.Minute)
	ok(t, s.UpdateClient(ctx, want, Voiding(voids)))
	want.Version, want.CreatedAt = 2, at(0)
	got, err := s.Client(ctx, "web")
	ok(t, err)
	same(t, got, want)
	same(t, recorded(t, ctx, s), []store.Revocation{kept(voids)})
	ok(t, s.UpdateClient(ctx, got, By()))
	got, err = s.Client(ctx, "web")
	ok(t, err)
	same(t, got.Version, 3)
}

func clientConflict(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.CreateClient(ctx, aClient("web"), By()))
	mine := aClient("web")
	mine.Name = "mine"
	theirs := aClient("web")
	theirs.Name = "theirs"
	ok(t, s.UpdateClient(ctx, mine, By()))
	voids := voidsClient("web", 0)
	wantErr(t, s.UpdateClient(ctx, theirs, Voiding(voids)), store.ErrConflict)
	got, err := s.Client(ctx, "web")
	ok(t, err)
	same(t, got.Name, "mine")
	same(t, len(recorded(t, ctx, s)), 0)
}

func clientMissing(t *testing.T, ctx context.Context, s store.Store) {
	_, err := s.Client(ctx, "nobody")
	wantErr(t, err, store.ErrNotFound)
	voids := voidsClient("nobody", 0)
	wantErr(t, s.UpdateClient(ctx, aClient("nobody"), Voiding(voids)), store.ErrNotFound)
	wantErr(t, s.DeleteClient(ctx, "nobody", Voiding(voids)), store.ErrNotFound)
	same(t, len(recorded(t, ctx, s)), 0)
}

func clientDelete(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	voids := voidsClient("web", time.Minute)
	ok(t, s.DeleteClient(ctx, "web", Voiding(voids)))
	_, err := s.Client(ctx, "web")
	wantErr(t, err, store.ErrNotFound)
	same(t, recorded(t, ctx, s), []store.Revocation{kept(voids)})

	again := aClient("web")
	again.CreatedAt, again.NotBefore = at(2*time.Minute), store.Moment{}
	ok(t, s.CreateClient(ctx, again, By()))
	got, err := s.Client(ctx, "web")
	ok(t, err)
	same(t, got.NotBefore, at(2*time.Minute))
	r := present(f, 1, 3*time.Minute)
	r.ClientNotBefore = got.NotBefore
	result, err := s.Rotate(ctx, r)
	ok(t, err)
	same(t, result.Outcome, store.Revoked)

	later := voidsClient("web", 4*time.Minute)
	ok(t, s.DeleteClient(ctx, "web", Voiding(later)))
	same(t, recorded(t, ctx, s), []store.Revocation{kept(later)})
}

func clientList(t *testing.T, ctx context.Context, s store.Store) {
	want := []string{"!", "A", "B", "Z", "a", "a b", "a-b", "ab", "b", "~"}
	for i := range want {
		ok(t, s.CreateClient(ctx, aClient(want[len(want)-1-i]), By()))
	}
	var got []string
	after := ""
	for {
		list, err := s.ListClients(ctx, store.Page{After: after, Limit: 3})
		ok(t, err)
		for _, c := range list {
			got = append(got, c.ID)
		}
		if len(list) < 3 {
			break
		}
		after = list[2].ID
	}
	same(t, got, want)
}

func listLimit(t *testing.T, ctx context.Context, s store.Store) {
	for _, limit := range []int{-1, 0, store.MaxPage + 1} {
		if _, err := s.ListClients(ctx, store.Page{Limit: limit}); err == nil {
			t.Errorf("a listing of %d was answered", limit)
		}
	}
	_, err := s.ListClients(ctx, store.Page{Limit: store.MaxPage})
	ok(t, err)
}

func clientIDs(t *testing.T, ctx context.Context, s store.Store) {
	for _, id := range []string{"", strings.Repeat("x", 256), "tab\t", "newline\n", "ü", "del\x7f"} {
		if err := s.CreateClient(ctx, aClient(id), By()); err == nil {
			t.Errorf("the identifier %q was taken", id)
		}
	}
	ok(t, s.CreateClient(ctx, aClient(strings.Repeat("x", 255)), By()))
}

func clientSecrets(t *testing.T, ctx context.Context, s store.Store) {
	c := aClient("web")
	c.Secrets = make([]store.ClientSecret, store.MaxClientSecrets+1)
	if err := s.CreateClient(ctx, c, By()); err == nil {
		t.Error("six secrets were taken")
	}
}

func clientProofs(t *testing.T, ctx context.Context, s store.Store) {
	var want []store.Client
	add := func(id string, change func(*store.Client)) {
		c := aClient(id)
		change(&c)
		want = append(want, c)
	}
	add("a", func(c *store.Client) { c.JWKS = json.RawMessage(`{"keys":[]}`) })
	add("b", func(c *store.Client) { c.JWKSURI = "https://web.example.com/keys" })
	add("c", func(c *store.Client) { c.Certificates = [][]byte{{0x30}} })
	add("d", func(c *store.Client) { c.DPoPBound = true })
	add("e", func(c *store.Client) { c.TLSBound = true })
	add("f", func(c *store.Client) { c.EndpointAudience = true })
	for _, kind := range []store.TLSSubjectKind{
		store.TLSSubjectDN, store.TLSSubjectDNS, store.TLSSubjectURI, store.TLSSubjectIP, store.TLSSubjectEmail,
	} {
		add("subject "+string(kind), func(c *store.Client) { c.TLSSubject = store.TLSSubject{Kind: kind, Value: "x"} })
	}
	for _, c := range want {
		ok(t, s.CreateClient(ctx, c, By()))
		same(t, must[store.Client](t)(s.Client(ctx, c.ID)), c)
	}
	for i, c := range want { // each becomes the next one
		next := want[(i+1)%len(want)]
		next.ID = c.ID
		ok(t, s.UpdateClient(ctx, next, By()))
		next.Version = 2
		same(t, must[store.Client](t)(s.Client(ctx, c.ID)), next)
	}
}

func clientConstraints(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.CreateClient(ctx, aClient("web"), By()))
	for _, change := range []func(*store.Client){
		func(c *store.Client) {
			c.JWKS, c.JWKSURI = json.RawMessage(`{"keys":[]}`), "https://web.example.com/keys"
		},
		func(c *store.Client) { c.JWKS = json.RawMessage("{") },
		func(c *store.Client) { c.Certificates = [][]byte{} },
		func(c *store.Client) { c.TLSSubject = store.TLSSubject{Kind: store.TLSSubjectDN} },
		func(c *store.Client) { c.TLSSubject = store.TLSSubject{Value: "CN=a"} },
		func(c *store.Client) { c.TLSSubject = store.TLSSubject{Kind: "serial", Value: "1"} },
		func(c *store.Client) { c.Profile = "fapi1" },
	} {
		c := aClient("web")
		change(&c)
		refused(t, s.UpdateClient(ctx, c, By()))
		c.ID = "other"
		refused(t, s.CreateClient(ctx, c, By()))
	}
	same(t, must[store.Client](t)(s.Client(ctx, "web")), aClient("web"))
}

func clientCase(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.CreateClient(ctx, aClient("Web"), By()))
	ok(t, s.CreateClient(ctx, aClient("web"), By()))
	same(t, must[store.Client](t)(s.Client(ctx, "Web")).ID, "Web")
}
