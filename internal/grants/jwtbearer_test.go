package grants_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
)

// present presents an assertion; client "" is a request without an authenticated client.
func (w *world) present(client, assertion string, parameters ...string) (grants.Answer, error) {
	w.Helper()
	var c *store.Client
	if client != "" {
		c = w.client(client)
	}
	return w.jwtBearer.Exchange(w.Context(), w.ask(c, append([]string{"assertion", assertion}, parameters...)...))
}

func TestJWTBearerSubjects(t *testing.T) {
	w := newWorld(t)
	w.change("other", func(c *store.Client) { c.Roles = []string{"batch"} })
	alice := w.alice().ID
	const anybody, client = store.SubjectAny, store.SubjectClient
	tests := []struct {
		name   string
		issuer func(*store.Issuer)
		by     string
		claims map[string]any
		want   map[string]any
	}{
		{"a user by username", func(*store.Issuer) {}, "web", nil, map[string]any{"sub": alice, "client_id": "web", "roles": []any{"admin"}}},
		{"a user by username in another case", func(*store.Issuer) {}, "web", map[string]any{"sub": "Alice"}, map[string]any{"sub": alice}},
		{"a user by email", func(i *store.Issuer) { i.SubjectClaim = "email" }, "web", map[string]any{"email": "Alice@Example.com", "sub": "7"}, map[string]any{"sub": alice}},
		{"a user by principal name", func(i *store.Issuer) { i.SubjectClaim = "upn" }, "web", map[string]any{"upn": "alice@corp", "sub": "7"}, map[string]any{"sub": alice}},
		{"a client", func(i *store.Issuer) { i.SubjectKind = client }, "web", map[string]any{"sub": "other"}, map[string]any{"sub": "other", "client_id": "web", "roles": []any{"batch"}}},
		{"a client for itself", func(i *store.Issuer) { i.SubjectKind = client }, "other", map[string]any{"sub": "other"}, map[string]any{"sub": "other", "client_id": "other"}},
		{"a subject that only the issuer knows", func(i *store.Issuer) { i.SubjectKind = anybody }, "web", map[string]any{"sub": "idp|42"}, map[string]any{"sub": "idp|42", "client_id": "web", "roles": nil}},
		{"a stranger who is called like a user is not that user", func(i *store.Issuer) { i.SubjectKind = anybody }, "web", nil, map[string]any{"sub": "alice", "roles": nil}},
		{"no client: the issuer stands for it", func(*store.Issuer) {}, "", nil, map[string]any{"sub": alice, "client_id": idp}},
		{"no client: that of the issuer's registration", func(i *store.Issuer) { i.ClientID = "other" }, "", nil, map[string]any{"sub": alice, "client_id": "other"}},
		{"the client that authenticated goes before the issuer's", func(i *store.Issuer) { i.ClientID = "other" }, "web", nil, map[string]any{"client_id": "web"}},
		{"a public client, where none has to authenticate", func(*store.Issuer) {}, "app", nil, map[string]any{"client_id": "app"}},
		{"a client that has to authenticate did", func(i *store.Issuer) { i.ClientAuth = true }, "web", nil, map[string]any{"client_id": "web"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w.retrust(test.issuer)
			answer, err := w.present(test.by, w.vouch(test.claims))
			if err != nil {
				t.Fatal(err)
			}
			claims := w.verifyAccess(answer.AccessToken)
			for name, want := range test.want {
				if diff := cmp.Diff(want, claims.All[name]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
			if answer.RefreshToken != "" || claims.Parsed.Family != (store.FamilyID{}) { // RFC 7521 §4.1
				t.Error("a refresh token was issued")
			}
		})
	}
}

// A client that is the subject, and for which no other party acts, gets only what it is registered
// for, even if its issuer may have more.
func TestJWTBearerSubjectClientIsLimited(t *testing.T) {
	w := newWorld(t)
	w.change("other", func(c *store.Client) { c.Scopes, c.DefaultScopes = oauth.Scope{"read"}, nil })
	w.retrust(func(i *store.Issuer) { i.SubjectKind, i.Scopes = store.SubjectClient, oauth.Scope{"read", "write"} })
	answer, err := w.present("", w.vouch(map[string]any{"sub": "other"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Scope.String(); got != "read" {
		t.Errorf("scope is %q, want read", got)
	}
	_, err = w.present("", w.vouch(map[string]any{"sub": "other", "scope": "write"}))
	if refused := (*oauth.Error)(nil); !errors.As(err, &refused) || refused.Code != oauth.InvalidScope {
		t.Errorf("asked for more: %v", err)
	}
}

// retrust registers the issuer again.
func (w *world) retrust(change func(*store.Issuer)) {
	w.Helper()
	_ = w.db.DeleteIssuer(w.Context(), idp, storetest.By()) // whether it is registered or not
	w.trust(change)
}

func TestJWTBearerRefuses(t *testing.T) {
	w := newWorld(t)
	w.change("other", func(c *store.Client) { c.Disabled = true })
	alice := w.alice().ID
	kind := func(k store.SubjectKind) func(*store.Issuer) { return func(i *store.Issuer) { i.SubjectKind = k } }
	as := func(*store.Issuer) {}
	tests := []struct {
		name      string
		issuer    func(*store.Issuer)
		by        string
		assertion string
		code      oauth.Code
		reason    string
	}{
		{"no assertion (RFC 7523 section 2.1)", as, "web", "", oauth.InvalidRequest, "assertion_missing"},
		{"no JWT", as, "web", "hello", oauth.InvalidGrant, "assertion_malformed"}, // RFC 7523 §3.1
		{"two assertions in one (RFC 7521 section 4.1: one)", as, "web", w.vouch(nil) + "," + w.vouch(nil), oauth.InvalidGrant, "assertion_malformed"},
		{"an access token of ours", as, "web", w.login().AccessToken, oauth.InvalidGrant, "assertion_malformed"},
		{"an unknown issuer", as, "web", w.vouch(map[string]any{"iss": "https://evil.example"}), oauth.InvalidGrant, "issuer_unknown"},
		{"no issuer", as, "web", w.vouch(map[string]any{"iss": nil}), oauth.InvalidGrant, "issuer_unknown"},
		{"ourselves as the issuer", as, "web", w.vouch(map[string]any{"iss": self}), oauth.InvalidGrant, "issuer_unknown"},
		{"an issuer that is disabled", func(i *store.Issuer) { i.Disabled = true }, "web", w.vouch(nil), oauth.InvalidGrant, "issuer_unknown"},
		{"it has expired", as, "web", w.vouch(map[string]any{"exp": began.Add(-time.Hour).Unix()}), oauth.InvalidGrant, "assertion_refused"},
		{"it is for another audience", as, "web", w.vouch(map[string]any{"aud": api}), oauth.InvalidGrant, "assertion_refused"},

		{"a user who is unknown", as, "web", w.vouch(map[string]any{"sub": "mallory"}), oauth.InvalidGrant, "subject_unknown"},
		{"a user who is disabled", as, "web", w.vouch(map[string]any{"sub": "carol"}), oauth.InvalidGrant, "subject_unknown"},
		{"a user by identifier, where names are agreed on", as, "web", w.vouch(map[string]any{"sub": alice}), oauth.InvalidGrant, "subject_unknown"},
		{"a name that no user can have", as, "web", w.vouch(map[string]any{"sub": "al ice\n"}), oauth.InvalidGrant, "subject_unknown"},
		{"a client that is unknown", kind(store.SubjectClient), "web", w.vouch(map[string]any{"sub": "unknown"}), oauth.InvalidGrant, "subject_unknown"},
		{"a client that is disabled", kind(store.SubjectClient), "web", w.vouch(map[string]any{"sub": "other"}), oauth.InvalidGrant, "subject_unknown"},
		{"a user, where the subject is a client", kind(store.SubjectClient), "web", w.vouch(nil), oauth.InvalidGrant, "subject_unknown"},
		// RFC 9068 §5: no foreign subject may pass as a user or client of this server.
		{"a stranger with the identifier of a user", kind(store.SubjectAny), "web", w.vouch(map[string]any{"sub": alice}), oauth.InvalidGrant, "subject_taken"},
		{"a stranger with the identifier of a client", kind(store.SubjectAny), "web", w.vouch(map[string]any{"sub": "web"}), oauth.InvalidGrant, "subject_taken"},
		{"a stranger with the identifier of a disabled client", kind(store.SubjectAny), "web", w.vouch(map[string]any{"sub": "other"}), oauth.InvalidGrant, "subject_taken"},

		{"a client has to authenticate and none did", func(i *store.Issuer) { i.ClientAuth = true }, "", w.vouch(nil), oauth.InvalidClient, "client_auth_required"},
		{"a client has to authenticate and a public one only named itself", func(i *store.Issuer) { i.ClientAuth = true }, "app", w.vouch(nil), oauth.InvalidClient, "client_auth_required"},
		{"a client has to authenticate, whatever client the issuer is registered with", func(i *store.Issuer) { i.ClientAuth, i.ClientID = true, "web" }, "", w.vouch(nil), oauth.InvalidClient, "client_auth_required"},
		{"the issuer's client is disabled", func(i *store.Issuer) { i.ClientID = "other" }, "", w.vouch(nil), oauth.UnauthorizedClient, "issuer_client_gone"},
		{"the issuer's client has tokens that are bound to its certificate", func(i *store.Issuer) { i.ClientID = "bound" }, "", w.vouch(nil), oauth.InvalidRequest, "certificate_missing"},
		{"the issuer's client is gone", func(i *store.Issuer) { i.ClientID = "gone" }, "", w.vouch(nil), oauth.UnauthorizedClient, "issuer_client_gone"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w.retrust(test.issuer)
			answer, err := w.present(test.by, test.assertion)
			refused(t, err, test.code, test.reason)
			if answer.AccessToken != "" {
				t.Error("a token was issued")
			}
		})
	}
}

func TestJWTBearerScopeAndResource(t *testing.T) {
	w := newWorld(t)
	tests := []struct {
		name       string
		issuer     func(*store.Issuer) // registered for read and list at api and files
		client     func(*store.Client) // web, for read, write and list at api and files
		by         string
		signed     any // the claim "scope"
		parameters []string
		scope      string
		audience   []string
		code       oauth.Code
		reason     string
	}{
		{name: "nothing asked: what both may, and the resource knows", by: "web", scope: "read", audience: []string{api}},
		{name: "the claim asks", by: "web", signed: "list", parameters: []string{"resource", files}, scope: "list", audience: []string{files}},
		{name: "the claim asks by an array", by: "web", signed: []any{"list", "read"}, parameters: []string{"resource", files}, scope: "list read", audience: []string{files}},
		{name: "an array of several in one value", by: "web", signed: []any{"list read"}, parameters: []string{"resource", files}, scope: "list read", audience: []string{files}},
		{name: "an empty array asks for nothing", by: "web", signed: []any{}, scope: "read", audience: []string{api}},
		{name: "an empty claim asks for nothing", by: "web", signed: "", scope: "read", audience: []string{api}},
		{name: "an array that asks for more than the issuer may", by: "web", signed: []any{"read", "write"}, code: oauth.InvalidScope, reason: "scope_not_allowed"},
		{name: "the parameter exceeds the array", by: "web", signed: []any{"read"}, parameters: []string{"scope", "read list", "resource", files}, code: oauth.InvalidScope, reason: "scope_not_signed"},
		{name: "an array with what no scope can be", by: "web", signed: []any{"read", `a"b`}, code: oauth.InvalidScope, reason: "scope_malformed"},
		{name: "an array that holds no text", by: "web", signed: []any{true}, code: oauth.InvalidGrant, reason: "assertion_refused"},
		{name: "the parameter asks", by: "web", parameters: []string{"scope", "read", "resource", files}, scope: "read", audience: []string{files}},
		{name: "the parameter narrows the claim", by: "web", signed: "read list", parameters: []string{"scope", "list", "resource", files}, scope: "list", audience: []string{files}},
		{name: "the parameter exceeds the claim", by: "web", signed: "read", parameters: []string{"scope", "read list", "resource", files}, code: oauth.InvalidScope, reason: "scope_not_signed"},
		{name: "the claim asks for more than the issuer may", by: "web", signed: "write", code: oauth.InvalidScope, reason: "scope_not_allowed"},
		{name: "the parameter asks for more than the issuer may", by: "web", parameters: []string{"scope", "write"}, code: oauth.InvalidScope, reason: "scope_not_allowed"},
		{name: "the claim is malformed", by: "web", signed: `a"b`, code: oauth.InvalidScope, reason: "scope_malformed"},
		{name: "more than the client may", client: func(c *store.Client) { c.Scopes = oauth.Scope{"list"} }, by: "web", signed: "read", code: oauth.InvalidScope, reason: "scope_not_allowed"},
		{name: "the client's defaults count, as far as the issuer may", client: func(c *store.Client) { c.DefaultScopes = oauth.Scope{"write", "list"} }, by: "web", parameters: []string{"resource", files}, scope: "list", audience: []string{files}},
		{name: "an issuer of no scopes leaves them to the client", issuer: func(i *store.Issuer) { i.Scopes = nil }, by: "web", scope: "read write", audience: []string{api}},
		{name: "neither has any: nothing", issuer: func(i *store.Issuer) { i.Scopes = nil }, by: "", scope: "", audience: []string{api}},
		{name: "neither has any, and something is asked", issuer: func(i *store.Issuer) { i.Scopes = nil }, by: "", signed: "read", code: oauth.InvalidScope, reason: "scope_not_allowed"},
		{name: "without a client the issuer's own count", by: "", parameters: []string{"resource", files}, scope: "read list", audience: []string{files}},

		{name: "the first of the issuer's resources that the client has too", issuer: func(i *store.Issuer) { i.Resources = []string{mail, files, api} }, by: "web", scope: "read list", audience: []string{files}},
		{name: "a resource of the issuer that the client has not", issuer: func(i *store.Issuer) { i.Resources = []string{mail, api} }, by: "web", parameters: []string{"resource", mail}, code: oauth.InvalidTarget, reason: "resource_not_allowed"},
		{name: "a resource of the client that the issuer has not", issuer: func(i *store.Issuer) { i.Resources = []string{api} }, by: "web", parameters: []string{"resource", files}, code: oauth.InvalidTarget, reason: "resource_not_allowed"},
		{name: "no resource in common", issuer: func(i *store.Issuer) { i.Resources = []string{mail} }, by: "web", code: oauth.InvalidTarget, reason: "resources_disjoint"},
		{name: "an issuer of no resources leaves them to the client", issuer: func(i *store.Issuer) { i.Resources = nil }, by: "web", scope: "read", audience: []string{api}},
		{name: "neither has any: this server", issuer: func(i *store.Issuer) { i.Resources = nil }, by: "", scope: "read list", audience: []string{self}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.issuer == nil {
				test.issuer = func(*store.Issuer) {}
			}
			w.retrust(test.issuer)
			before := *w.client("web")
			if test.client != nil {
				w.change("web", test.client)
				defer w.change("web", func(c *store.Client) { c.Scopes, c.DefaultScopes = before.Scopes, before.DefaultScopes })
			}
			answer, err := w.present(test.by, w.vouch(map[string]any{"scope": test.signed}), test.parameters...)
			if test.code != "" {
				refused(t, err, test.code, test.reason)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.audience, w.verifyAccess(answer.AccessToken).Audience); diff != "" || answer.Scope.String() != test.scope {
				t.Errorf("scope is %q, want %q; aud (-want +got):\n%s", answer.Scope, test.scope, diff)
			}
		})
	}
}

// RFC 7523 §3, item 7: an assertion is good once.
func TestJWTBearerReplay(t *testing.T) {
	w := newWorld(t)
	w.trust(func(*store.Issuer) {})
	w.trust(func(i *store.Issuer) { i.ID = "https://second.example" })
	w.trust(func(i *store.Issuer) { i.ID, i.AllowRepeat = "https://repeats.example", true })
	good := func(name, assertion string) {
		t.Helper()
		if _, err := w.present("web", assertion); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	replayed := func(name, assertion string) {
		t.Helper()
		t.Log(name)
		_, err := w.present("web", assertion)
		refused(t, err, oauth.InvalidGrant, "assertion_replayed")
	}
	one := w.vouch(map[string]any{"jti": "1"})
	good("the first time", one)
	replayed("the second", one)
	replayed("another with its jti", w.vouch(map[string]any{"jti": "1", "sub": "bob"}))
	good("its jti at another issuer", w.vouch(map[string]any{"jti": "1", "iss": "https://second.example"}))

	bare := w.vouch(map[string]any{"jti": nil})
	good("without a jti, the first time", bare)
	replayed("without a jti, the second", bare)
	good("another without a jti", w.vouch(map[string]any{"jti": nil, "sub": "bob"}))

	repeats := w.vouch(map[string]any{"jti": nil, "iss": "https://repeats.example"})
	good("without a jti, of an issuer that may repeat", repeats)
	good("without a jti, of an issuer that may repeat, again", repeats)
	named := w.vouch(map[string]any{"jti": "9", "iss": "https://repeats.example"})
	good("with a jti, of an issuer that may repeat", named)
	good("with a jti, of an issuer that may repeat, again", named)

	w.wait(6*time.Minute - time.Second) // exp and the skew, less a second
	if _, err := w.db.Sweep(t.Context(), store.At(w.Now().Add(skew)), 1000); err != nil {
		t.Fatal(err) // a replica whose clock is ahead of ours
	}
	replayed("as late as can be, after a sweep", one)
	w.wait(time.Second)
	_, err := w.present("web", one)
	refused(t, err, oauth.InvalidGrant, "assertion_refused")
}

// A refusal before the token is signed does not use the assertion up.
func TestJWTBearerRefusalsUseNothing(t *testing.T) {
	w := newWorld(t)
	w.trust(func(*store.Issuer) {})
	assertion := w.vouch(nil)
	_, err := w.present("web", assertion, "scope", "admin")
	refused(t, err, oauth.InvalidScope, "scope_not_allowed")
	w.minter.Keys = noKeys{}
	if _, err := w.present("web", assertion); err == nil {
		t.Fatal("signed without a key")
	}
	w.minter.Keys = w.manager
	if _, err := w.present("web", assertion); err != nil {
		t.Errorf("then: %v", err)
	}
}

func TestJWTBearerReplayInParallel(t *testing.T) {
	w := newWorld(t)
	w.trust(func(*store.Issuer) {})
	request := w.ask(w.client("web"), "assertion", w.vouch(nil))
	var issued atomic.Int64
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			answer, err := w.jwtBearer.Exchange(t.Context(), request)
			if err == nil && answer.AccessToken != "" {
				issued.Add(1)
				return
			}
			if e := (*oauth.Error)(nil); !errors.As(err, &e) || e.Reason != "assertion_replayed" {
				t.Errorf("refused with %v", err)
			}
		})
	}
	group.Wait()
	if issued.Load() != 1 {
		t.Errorf("%d tokens for one assertion", issued.Load())
	}
}
