package admin_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"authserver/internal/admin"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/sqlite"
	"authserver/internal/store/storetest"
)

func TestANewClientHasTheDefaultsAndASecretOfTheServer(t *testing.T) {
	o := newOffice(t)
	got, warnings, err := o.Clients.Create(t.Context(), by, admin.NewClient{ClientInput: admin.ClientInput{Grants: []oauth.GrantType{"client_credentials"}}})
	o.must(err)
	if len(warnings) > 0 {
		t.Errorf("warnings: %v", warnings)
	}
	if len(got.ClientID) < 20 || strings.Trim(got.ClientID, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		t.Errorf("the client_id that was made is %q", got.ClientID)
	}
	raw, err := base64.RawURLEncoding.DecodeString(got.Secret)
	if err != nil || len(raw) != 32 {
		t.Errorf("the secret is not 256 bits in base64url: %d bytes, %v", len(raw), err)
	}
	kept, err := o.store.Client(t.Context(), got.ClientID)
	o.must(err)
	sum := sha256.Sum256([]byte(got.Secret))
	want := store.Client{
		ID: got.ClientID, AuthMethods: []oauth.AuthMethod{oauth.AuthBasic, oauth.AuthPost},
		Secrets: []store.ClientSecret{{ID: kept.Secrets[0].ID, Kind: store.SecretSHA256, Hash: sum[:], CreatedAt: o.now()}},
		Grants:  []oauth.GrantType{oauth.ClientCredentials}, RefreshIdle: 30 * 24 * time.Hour, RefreshMax: 90 * 24 * time.Hour,
		NotBefore: o.notBefore(), Version: 1, CreatedAt: o.now(), UpdatedAt: o.now(),
	}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Error(diff)
	}
}

func TestTheJSONOfAClient(t *testing.T) {
	o := newOffice(t)
	o.resource()
	c := o.client(admin.NewClient{ID: "web", ClientInput: admin.ClientInput{
		AuthMethods: []oauth.AuthMethod{"none"}, Grants: []oauth.GrantType{"password", oauth.JWTBearer, "password"},
		Scopes: []string{"read", "write"}, Resources: []string{api, self}, Claims: map[string]any{"tenant": 7},
	}})
	const want = `{"client_id":"web","name":"","public":true,"auth_methods":["none"],"grants":["password","urn:ietf:params:oauth:grant-type:jwt-bearer"],` +
		`"scopes":["read","write"],"default_scopes":[],"resources":["https://api.example.com","https://auth.example.com"],"serves":[],"roles":[],"permissions":[],"claims":{"tenant":7},` +
		`"refresh_idle_ttl_seconds":2592000,"refresh_max_ttl_seconds":7776000,"disabled":false,"secrets":[],` +
		`"created_at":"2026-03-01T12:00:00.123456Z","updated_at":"2026-03-01T12:00:00.123456Z"}`
	if got := asJSON(t, c); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	shown, err := o.Clients.Get(t.Context(), by, "web")
	o.must(err)
	if got := asJSON(t, shown); got != want {
		t.Errorf("shown\n%s\nwant\n%s", got, want)
	}
}

// A user who was created as Zoë is stored as zoë, and a client that is authorised for Zoë may sign
// for that user.
func TestUsersOfWhomAClientMaySignAreNamedAsTheyAreKept(t *testing.T) {
	o := newOffice(t)
	c := o.client(admin.NewClient{ID: "web", ClientInput: admin.ClientInput{AssertUsers: []string{"Zoë", "ＳALES-*", "zoe\u0308", "*-Zoë-?"}}})
	if diff := cmp.Diff([]string{"zoë", "sales-*", "*-zoë-?"}, c.AssertUsers); diff != "" {
		t.Error(diff)
	}
}

func TestNoHashOfAClientIsShown(t *testing.T) {
	o := newOffice(t)
	c := o.client(admin.NewClient{ID: "web"})
	shown, err := o.Clients.Get(t.Context(), by, "web")
	o.must(err)
	text := asJSON(t, shown)
	sum := sha256.Sum256([]byte(c.Secret))
	if strings.Contains(text, "hash") || strings.Contains(text, c.Secret) || strings.Contains(text, base64.StdEncoding.EncodeToString(sum[:])) {
		t.Errorf("it tells too much: %s", text)
	}
}

func TestClientsAreRefused(t *testing.T) {
	long := strings.Repeat("x", 256)
	for _, c := range []struct {
		name string
		n    admin.NewClient
		want []string
	}{
		{"an id with a line break", admin.NewClient{ID: "a\nb"}, []string{"client_id", "ASCII"}},
		{"an id with a tab", admin.NewClient{ID: "a\tb"}, []string{"client_id", "ASCII"}},
		{"an id with what deletes", admin.NewClient{ID: "a\x7f"}, []string{"client_id", "ASCII"}},
		{"an id that is not ASCII", admin.NewClient{ID: "ä"}, []string{"client_id", "ASCII"}},
		{"an id that is too long", admin.NewClient{ID: long}, []string{"client_id", "255"}},
		{"a grant that is not known, naming those that are", admin.NewClient{ClientInput: admin.ClientInput{Grants: []oauth.GrantType{"implicit"}}}, []string{"grants", "implicit", "client_credentials, password, refresh_token, urn:ietf:params:oauth:grant-type:jwt-bearer"}},
		{"an authentication method that is not known", admin.NewClient{ClientInput: admin.ClientInput{AuthMethods: []oauth.AuthMethod{"tls"}}}, []string{"auth_methods", "client_secret_basic"}},
		{"none beside another method", admin.NewClient{ClientInput: admin.ClientInput{AuthMethods: []oauth.AuthMethod{"none", "client_secret_post"}}}, []string{"none makes a public client"}},
		{"a scope that RFC 6749 does not allow", admin.NewClient{ClientInput: admin.ClientInput{Scopes: []string{`a"b`}}}, []string{"scopes", "RFC 6749"}},
		{"a default scope that is not among the scopes", admin.NewClient{ClientInput: admin.ClientInput{Scopes: []string{"a"}, DefaultScopes: []string{"b"}}}, []string{"default_scopes", "b"}},
		{"a resource that is not registered, with the cure", admin.NewClient{ClientInput: admin.ClientInput{Resources: []string{"https://x.example"}}}, []string{"resources", "https://x.example", "register it first with resource create"}},
		{"a resource served that is not registered", admin.NewClient{ClientInput: admin.ClientInput{Serves: []string{"https://x.example"}}}, []string{"serves"}},
		{"client_credentials for a public client", admin.NewClient{ClientInput: admin.ClientInput{AuthMethods: []oauth.AuthMethod{"none"}, Grants: []oauth.GrantType{"client_credentials"}}}, []string{"client_credentials is not", "public"}},
		{"a secret for a public client", admin.NewClient{Secret: "long enough", ClientInput: admin.ClientInput{AuthMethods: []oauth.AuthMethod{"none"}}}, []string{"client_secret", "auth_methods"}},
		{"a secret that is too short", admin.NewClient{Secret: "1234567"}, []string{"8 to 72 bytes"}},
		{"a secret that bcrypt would cut", admin.NewClient{Secret: strings.Repeat("x", 73)}, []string{"72 bytes"}},
		{"a claim that is the server's own", admin.NewClient{ClientInput: admin.ClientInput{Claims: map[string]any{"sub": "x"}}}, []string{"claims", `"sub"`}},
		{"claims that no header could carry", admin.NewClient{ClientInput: admin.ClientInput{Claims: map[string]any{"x": strings.Repeat("x", 4096)}}}, []string{"claims", "4096"}},
		{"a user of whom it may sign with a space", admin.NewClient{ClientInput: admin.ClientInput{AssertUsers: []string{"sales *"}}}, []string{"assert_users", "sales *"}},
		{"a role that is empty", admin.NewClient{ClientInput: admin.ClientInput{Roles: []string{""}}}, []string{"roles"}},
		{"a permission with a line break", admin.NewClient{ClientInput: admin.ClientInput{Permissions: []string{"a\nb"}}}, []string{"permissions"}},
		{"a name that is too long", admin.NewClient{ClientInput: admin.ClientInput{Name: &long}}, []string{"name"}},
		{"a lifetime of nothing", admin.NewClient{ClientInput: admin.ClientInput{RefreshIdleTTL: ptr(time.Duration(0))}}, []string{"refresh_idle_ttl_seconds"}},
		{"a lifetime of fractions", admin.NewClient{ClientInput: admin.ClientInput{RefreshMaxTTL: ptr(1500 * time.Millisecond)}}, []string{"refresh_max_ttl_seconds", "whole seconds"}},
		{"an idle lifetime longer than the whole", admin.NewClient{ClientInput: admin.ClientInput{RefreshMaxTTL: ptr(time.Hour)}}, []string{"refresh_idle_ttl_seconds", "refresh_max_ttl_seconds"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			_, _, err := o.Clients.Create(t.Context(), by, c.n)
			wantFaults(t, err, c.want...)
			if clients, err := o.Clients.List(t.Context(), by, admin.Page{Limit: 10}); err != nil || len(clients) > 0 {
				t.Errorf("there are %d clients, %v", len(clients), err)
			}
		})
	}
}

func TestAnIDThatIsTaken(t *testing.T) {
	o := newOffice(t)
	o.client(admin.NewClient{ID: "web"})
	if _, _, err := o.Clients.Create(t.Context(), by, admin.NewClient{ID: "web"}); !errors.Is(err, store.ErrExists) || !strings.Contains(err.Error(), `"web"`) {
		t.Errorf("got %v", err)
	}
}

// kept is a store that deletes no client.
type kept struct{ *sqlite.DB }

func (kept) DeleteClient(context.Context, string, store.Change) error { return store.ErrUnavailable }

// No caller could use a client whose secret was lost. It is deleted, also if the command was
// interrupted while it printed. If that is not possible, the error says so.
func TestAClientWhoseSecretCannotBeShownDoesNotStay(t *testing.T) {
	o := newOffice(t)
	lost := errors.New("the disk is full")
	ctx, interrupt := context.WithCancel(t.Context())
	n := admin.NewClient{ID: "web", ShowSecret: func(admin.ClientWithSecret, []admin.Fault) error {
		interrupt()
		return lost
	}}
	_, _, err := o.Clients.Create(ctx, by, n)
	if !errors.Is(err, lost) || !strings.Contains(err.Error(), "nothing was changed, because the disk is full") {
		t.Errorf("the error is %v", err)
	}
	if _, err := o.store.Client(t.Context(), "web"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the client is there: %v", err)
	}
	o.Clients.Store = kept{o.store}
	_, _, err = o.Clients.Create(t.Context(), by, n)
	if !errors.Is(err, lost) || !strings.Contains(err.Error(), `the disk is full, but client "web" is registered and could not be deleted`) {
		t.Errorf("the error is %v", err)
	}
}

func TestWarningsOfClientsThatAreHardlyMeant(t *testing.T) {
	for _, c := range []struct {
		name string
		f    admin.ClientInput
		want []string // a part of each
	}{
		{"a scope that the resource does not list", admin.ClientInput{Grants: []oauth.GrantType{"password"}, Scopes: []string{"read", "admin"}, Resources: []string{api}}, []string{`"admin" is listed by none`}},
		{"a resource that lists none accepts any", admin.ClientInput{Grants: []oauth.GrantType{"password"}, Scopes: []string{"admin"}, Resources: []string{api, "https://open.example.com"}}, nil},
		{"no resource is this server, which accepts any", admin.ClientInput{Grants: []oauth.GrantType{"password"}, Scopes: []string{"admin"}}, nil},
		{"this server named is the same", admin.ClientInput{Grants: []oauth.GrantType{"password"}, Scopes: []string{"admin"}, Resources: []string{self}}, nil},
		{"scopes with a comma between them", admin.ClientInput{Grants: []oauth.GrantType{"password"}, Scopes: []string{"a,b"}}, []string{"comma"}},
		{"nothing that it may do", admin.ClientInput{}, []string{"no grant"}},
		{"a resource server needs no grant", admin.ClientInput{Serves: []string{api}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			o.resource()
			_, _, err := o.Resources.Create(t.Context(), by, admin.NewResource{ID: "https://open.example.com"})
			o.must(err)
			_, warnings, err := o.Clients.Create(t.Context(), by, admin.NewClient{ID: "web", ClientInput: c.f})
			o.must(err)
			if len(warnings) != len(c.want) {
				t.Fatalf("warnings: %q, want %q", warnings, c.want)
			}
			for i, want := range c.want {
				if !strings.Contains(said(warnings[i:i+1]), want) {
					t.Errorf("warning %q lacks %q", warnings[i].Text, want)
				}
			}
		})
	}
}

func TestAnUpdateChangesWhatIsGivenAlone(t *testing.T) {
	o := newOffice(t)
	o.resource()
	o.client(admin.NewClient{ID: "web", ClientInput: admin.ClientInput{
		Name: ptr("Web"), Grants: []oauth.GrantType{"password"}, Scopes: []string{"read", "write"}, DefaultScopes: []string{"read"}, Resources: []string{api}, Roles: []string{"r"},
	}})
	before, err := o.store.Client(t.Context(), "web")
	o.must(err)
	recorded := o.revocations()
	o.clock = o.clock.Add(time.Hour)
	_, _, err = o.Clients.Update(t.Context(), by, "web", admin.ClientInput{Grants: []oauth.GrantType{"refresh_token", "password"}, DefaultScopes: []string{}, Roles: []string{}})
	o.must(err)
	want := before
	want.Grants, want.DefaultScopes, want.Roles = []oauth.GrantType{oauth.RefreshToken, oauth.Password}, nil, nil
	want.Version, want.UpdatedAt = 2, o.now()
	after, err := o.store.Client(t.Context(), "web")
	o.must(err)
	if diff := cmp.Diff(want, after); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(recorded, o.revocations()); diff != "" {
		t.Errorf("it revoked (-before +after):\n%s", diff)
	}
}

func TestAClientMadePublicLosesItsSecret(t *testing.T) {
	o := newOffice(t)
	o.client(admin.NewClient{ID: "web", ClientInput: admin.ClientInput{Grants: []oauth.GrantType{"password"}}})
	c, _, err := o.Clients.Update(t.Context(), by, "web", admin.ClientInput{AuthMethods: []oauth.AuthMethod{"none"}})
	o.must(err)
	if !c.Public || len(c.Secrets) > 0 {
		t.Errorf("public %v with %d secrets", c.Public, len(c.Secrets))
	}
	c, warnings, err := o.Clients.Update(t.Context(), by, "web", admin.ClientInput{AuthMethods: []oauth.AuthMethod{}})
	o.must(err)
	if c.Public || len(warnings) != 1 || !strings.Contains(said(warnings[0:]), "rotate-secret") {
		t.Errorf("public %v, warnings %q", c.Public, warnings)
	}
}

func TestDisablingAndDeletingAClientVoidsItsTokens(t *testing.T) {
	o := newOffice(t)
	o.client(admin.NewClient{ID: "web", ClientInput: admin.ClientInput{Grants: []oauth.GrantType{"password"}}})
	o.clock = o.clock.Add(time.Hour)
	o.serves(24 * time.Hour)
	_, _, err := o.Clients.Update(t.Context(), by, "web", admin.ClientInput{Disabled: ptr(true)})
	o.must(err)
	want := store.Revocation{
		Kind: store.RevokedClient, Value: "web", Reason: "client_disabled",
		// A server without its database may continue to issue tokens, by a clock that is ahead.
		Before: o.notBefore(), ExpiresAt: o.now().Add(24*time.Hour + stale + issuing + 2*time.Minute),
	}
	if diff := cmp.Diff([]store.Revocation{want}, o.revocations()); diff != "" {
		t.Error(diff)
	}
	c, err := o.store.Client(t.Context(), "web")
	o.must(err)
	if !c.Disabled || !c.NotBefore.Equal(o.notBefore()) {
		t.Errorf("disabled %v, not before %s", c.Disabled, c.NotBefore)
	}
	o.clock = o.clock.Add(time.Minute)
	o.must(o.Clients.Delete(t.Context(), by, "web"))
	if found := o.revocations(); len(found) != 1 || !found[0].Before.Equal(o.notBefore()) {
		t.Errorf("after the deletion: %v", found)
	}
	if _, err := o.Clients.Get(t.Context(), by, "web"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestAClientThatIsNotThere(t *testing.T) {
	o := newOffice(t)
	_, showErr := o.Clients.Get(t.Context(), by, "x")
	_, _, updateErr := o.Clients.Update(t.Context(), by, "x", admin.ClientInput{})
	_, rotateErr := o.Clients.RotateSecret(t.Context(), by, "x", admin.SecretRotation{})
	for name, err := range map[string]error{"show": showErr, "update": updateErr, "rotate": rotateErr, "delete": o.Clients.Delete(t.Context(), by, "x")} {
		if !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "client list") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// quicker changes the row between the reading and the writing of an update.
type quicker struct {
	*sqlite.DB
	meanwhile func()
}

func (q quicker) UpdateClient(ctx context.Context, c store.Client, by store.Change) error {
	q.meanwhile()
	return q.DB.UpdateClient(ctx, c, by)
}

func TestAnotherChangeWasQuicker(t *testing.T) {
	o := newOffice(t)
	o.client(admin.NewClient{ID: "web"})
	o.Clients.Store = quicker{o.store, func() {
		c, err := o.store.Client(t.Context(), "web")
		o.must(err)
		o.must(o.store.UpdateClient(t.Context(), c, storetest.By()))
	}}
	if _, _, err := o.Clients.Update(t.Context(), by, "web", admin.ClientInput{Name: ptr("x")}); !errors.Is(err, store.ErrConflict) || !strings.Contains(err.Error(), "try again") {
		t.Errorf("got %v", err)
	}
}

func TestRotateSecret(t *testing.T) {
	for _, c := range []struct {
		name    string
		overlap time.Duration
		live    int // secrets that are valid at the same time
	}{
		{"without an overlap the old secret ends at once", 0, 1},
		{"with an overlap both are good", time.Hour, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			first := o.client(admin.NewClient{ID: "web"})
			second, err := o.Clients.RotateSecret(t.Context(), by, "web", admin.SecretRotation{Overlap: c.overlap})
			o.must(err)
			if second.Secret == "" || second.Secret == first.Secret || len(second.Secrets) != c.live {
				t.Errorf("%d secrets", len(second.Secrets))
			}
			if c.live == 2 && !second.Secrets[0].ExpiresAt.Equal(o.now().Add(c.overlap)) {
				t.Errorf("the old one expires at %v", second.Secrets[0].ExpiresAt)
			}
			if last := second.Secrets[len(second.Secrets)-1]; last.ExpiresAt != nil {
				t.Errorf("the new one expires at %v", last.ExpiresAt)
			}
		})
	}
}

func TestARotationNeverMakesASecretLiveLonger(t *testing.T) {
	o := newOffice(t)
	o.client(admin.NewClient{ID: "web"})
	_, err := o.Clients.RotateSecret(t.Context(), by, "web", admin.SecretRotation{Overlap: time.Hour})
	o.must(err)
	c, err := o.Clients.RotateSecret(t.Context(), by, "web", admin.SecretRotation{Overlap: 24 * time.Hour})
	o.must(err)
	if !c.Secrets[0].ExpiresAt.Equal(o.now().Add(time.Hour)) || !c.Secrets[1].ExpiresAt.Equal(o.now().Add(24*time.Hour)) {
		t.Errorf("they expire at %v and %v", c.Secrets[0].ExpiresAt, c.Secrets[1].ExpiresAt)
	}
}

func TestSecretsAreBoundedAndExpiredOnesMakeRoom(t *testing.T) {
	o := newOffice(t)
	o.client(admin.NewClient{ID: "web"})
	for range store.MaxClientSecrets - 1 {
		_, err := o.Clients.RotateSecret(t.Context(), by, "web", admin.SecretRotation{Overlap: time.Hour})
		o.must(err)
	}
	if _, err := o.Clients.RotateSecret(t.Context(), by, "web", admin.SecretRotation{Overlap: time.Hour}); err == nil || !strings.Contains(err.Error(), "overlap_seconds 0s") {
		t.Errorf("got %v", err)
	}
	o.clock = o.clock.Add(time.Hour)
	c, err := o.Clients.RotateSecret(t.Context(), by, "web", admin.SecretRotation{Overlap: time.Hour})
	o.must(err)
	if len(c.Secrets) != 2 {
		t.Errorf("%d secrets are left", len(c.Secrets))
	}
}

func TestASecretThatIsBroughtIsBcrypt(t *testing.T) {
	o := newOffice(t)
	c := o.client(admin.NewClient{ID: "web", Secret: "first secret"})
	if c.Secret != "first secret" {
		t.Errorf("it is told as %q", c.Secret)
	}
	c, err := o.Clients.RotateSecret(t.Context(), by, "web", admin.SecretRotation{Secret: "second secret"})
	o.must(err)
	if c.Secret != "second secret" {
		t.Errorf("it is told as %q", c.Secret)
	}
	kept, err := o.store.Client(t.Context(), "web")
	o.must(err)
	if len(kept.Secrets) != 1 || kept.Secrets[0].Kind != store.SecretBcrypt {
		t.Fatalf("kept %+v", kept.Secrets)
	}
	o.must(bcrypt.CompareHashAndPassword(kept.Secrets[0].Hash, []byte("second secret")))
}

func TestRotationsAreRefused(t *testing.T) {
	o := newOffice(t)
	o.client(admin.NewClient{ID: "app", ClientInput: admin.ClientInput{AuthMethods: []oauth.AuthMethod{"none"}}})
	o.client(admin.NewClient{ID: "web"})
	_, err := o.Clients.RotateSecret(t.Context(), by, "app", admin.SecretRotation{})
	wantFaults(t, err, "public", "client update")
	_, err = o.Clients.RotateSecret(t.Context(), by, "web", admin.SecretRotation{Overlap: -time.Second})
	wantFaults(t, err, "overlap_seconds")
	_, err = o.Clients.RotateSecret(t.Context(), by, "web", admin.SecretRotation{Secret: "short"})
	wantFaults(t, err, "8 to 72")
}

// A secret with which a client signs can be decrypted, and is sealed only for that client.
func TestASecretThatSignsIsSealed(t *testing.T) {
	f := newOffice(t)
	created, _, err := f.Clients.Create(t.Context(), by, admin.NewClient{ID: "hmac/1", ClientInput: admin.ClientInput{AuthMethods: []oauth.AuthMethod{"client_secret_jwt"}}})
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := f.Clients.RotateSecret(t.Context(), by, "hmac/1", admin.SecretRotation{Secret: strings.Repeat("s", 64), Overlap: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.store.Client(t.Context(), "hmac/1")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{created.Secret, rotated.Secret} {
		got, err := f.Clients.Sealer.Open(c.Secrets[i].Hash, store.SealedAs("clients", "hmac/1/"+c.Secrets[i].ID))
		if err != nil || string(got) != want {
			t.Errorf("secret %d opens to %q, %v", i, got, err)
		}
	}
	for name, test := range map[string]struct {
		fields admin.ClientInput
		secret string
		want   string
	}{
		"a secret too short for HMAC":    {admin.ClientInput{AuthMethods: []oauth.AuthMethod{"client_secret_jwt"}}, strings.Repeat("x", 31), "32 to 512 bytes"},
		"a secret where there is none":   {admin.ClientInput{AuthMethods: []oauth.AuthMethod{"private_key_jwt"}, JWKS: []byte(`{"keys":[]}`)}, "x", "jwks"},
		"private_key_jwt without keys":   {admin.ClientInput{AuthMethods: []oauth.AuthMethod{"private_key_jwt"}}, "", "jwks"},
		"a key set with a symmetric key": {admin.ClientInput{JWKS: []byte(`{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`)}, "", "a private key or a shared secret"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := f.Clients.Create(t.Context(), by, admin.NewClient{Secret: test.secret, ClientInput: test.fields})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that says %q", err, test.want)
			}
		})
	}
}
