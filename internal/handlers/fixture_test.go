package handlers

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"authserver/api"
	"authserver/internal/attempts"
	"authserver/internal/clientauth"
	"authserver/internal/grants"
	"authserver/internal/keys"
	"authserver/internal/keys/sealing"
	"authserver/internal/logins"
	"authserver/internal/oauth"
	"authserver/internal/oidc"
	"authserver/internal/passwords"
	"authserver/internal/sessions"
	"authserver/internal/store"
	"authserver/internal/store/sqlite"
	"authserver/internal/store/storetest"
	"authserver/internal/telemetry"
	"authserver/internal/testkit"
	"authserver/internal/tokens"
	"authserver/internal/trust/assertions"
	"authserver/internal/web"
	"authserver/test/openapitest"
	"authserver/test/sqlitetest"
)

const (
	issuer   = "https://as.example.com"
	apiID    = "https://api.example.com"
	idp      = "https://idp.example.com"
	secret   = "s3cr3t-of-the-client"
	password = "wonderland, with a white rabbit"
	shared   = "a secret shared with an issuer, long enough"
	maxTTL   = time.Hour
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Making keys takes long under the race detector, so all tests share them.
var generate = sync.OnceValues(func() (map[string]crypto.Signer, error) {
	rs, err := keys.Generate(keys.RS256)
	if err != nil {
		return nil, err
	}
	es, err := keys.Generate(keys.ES256)
	return map[string]crypto.Signer{keys.RS256: rs, keys.ES256: es}, err
})

// source returns keys that were made before.
type source map[string]crypto.Signer

func (s source) Generate(alg string) (crypto.Signer, string, error) { return s[alg], "", nil }
func (source) Signer(string) (crypto.Signer, error)                 { return nil, errors.New("no such key") }

// onlyKey authenticates all refresh tokens.
type onlyKey string

func (k onlyKey) At(time.Time) (id uint32, key []byte, ok bool) { return 1, []byte(k), true }
func (k onlyKey) ByID(id uint32) (key []byte, ok bool)          { return []byte(k), id == 1 }

// site has the endpoints over a real database and real keys, with a clock of the test.
type site struct {
	testing.TB
	Public
	Issuer  string // of the routes
	Door    *web.Door
	Clients *Clients

	Verifier *tokens.Verifier
	View     *tokens.View
	Codec    *tokens.RefreshCodec
	Revoker  *tokens.Revoker

	targets *grants.Targets

	db    *sqlite.DB
	guard *attempts.Guard
	log   *safeBuffer

	time *testkit.Clock
	hash func(ctx context.Context, password string) ([]byte, error)

	browsers *sessions.Sessions
}

func (s *site) clock() time.Time     { return s.time.Now() }
func (s *site) wait(d time.Duration) { s.time.Advance(d) }

// safeBuffer is written to by several requests at once.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// plainBox opens secrets that are not sealed.
type plainBox struct{}

func (plainBox) Open(sealed []byte, _ string) ([]byte, error) { return sealed, nil }

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{TB: t, time: testkit.NewClock(began), log: &safeBuffer{}}
	s.db = sqlitetest.Open(t)
	manager := s.openKeys()
	pairwise := &tokens.Pairwise{Secret: func() ([]byte, error) { return []byte(strings.Repeat("p", 32)), nil }}
	codec := &tokens.RefreshCodec{Keys: onlyKey(strings.Repeat("k", 32))}
	hasher, err := passwords.New(passwords.Options{Cost: passwords.MinCost, Workers: 2, Wait: time.Minute, Rand: rand.Reader})
	s.ok(err)
	verified, err := passwords.NewVerifiedCache(hasher, 100, rand.Reader)
	s.ok(err)
	secrets := clientauth.Secrets{Slow: verified}
	authenticator, err := clientauth.New(s.db, clientauth.SecretBasic{Secrets: secrets}, clientauth.SecretPost{Secrets: secrets}, clientauth.None{})
	s.ok(err)
	s.guard = &attempts.Guard{
		Store: s.db, Actor: store.Actor{Type: store.ActorServer, ID: "test"}, Now: s.clock, Logger: slog.New(slog.DiscardHandler),
	}
	authenticator.Guard = s.guard
	view := &tokens.View{Store: s.db, Now: s.clock}
	s.ok(view.Follow(t.Context()))
	revoker := &tokens.Revoker{Store: s.db, View: view, Now: s.clock, Skew: time.Minute, Issuing: time.Minute, Stale: time.Hour, Logger: slog.New(slog.DiscardHandler)}
	targets := &grants.Targets{Resources: s.db, Default: store.Resource{ID: issuer, AccessTokenTTL: time.Minute, SigningAlg: keys.ES256}}
	s.targets = targets
	issuing := s.issuing(manager, targets, codec, pairwise)
	hints := oidc.Hints{Issuer: issuer, Keys: manager, Decrypter: manager, Pairwise: pairwise}
	s.browsers = &sessions.Sessions{Store: s.db, Ender: revoker, Seen: &sessions.LastSeen{Store: s.db}, IdleTTL: sessionIdle, MaxTTL: sessionMost, Rand: rand.Reader}
	registry := s.registry(issuing, codec, hasher, revoker)
	metrics := telemetry.NewMetrics(telemetry.MetricsOptions{Routes: Paths()})
	s.Issuer, s.View, s.Codec, s.Revoker, s.Verifier = issuer, view, codec, revoker, &tokens.Verifier{Issuer: issuer, Keys: manager, Pairwise: pairwise}
	s.Door = &web.Door{
		Crowded: func() bool { return true }, Metrics: metrics,
		Logger: telemetry.NewLogger(s.log, slog.LevelDebug, "json"), Now: s.clock, Rand: rand.Reader,
	}
	s.Clients = &Clients{Authenticator: authenticator, Assertions: s.db, Now: s.clock}
	s.Public = Public{
		Audit: &Audit{Events: s.db, Logger: slog.New(slog.DiscardHandler), Now: s.clock},
		Token: &Token{Clients: s.Clients, Grants: registry, Metrics: metrics, Now: s.clock},
		Introspect: &Introspect{Clients: s.Clients, Metrics: metrics, Tokens: &tokens.Introspector{
			Issuer: issuer, Verifier: s.Verifier, Handles: &tokens.Handles{Keys: codec.Keys}, View: view, Refresh: codec, Families: s.db, Users: s.db, Pairwise: pairwise, Now: s.clock,
		}},
		Revoke: &Revoke{Clients: s.Clients, Metrics: metrics, Tokens: &tokens.Revocables{
			Verifier: s.Verifier, Refresh: codec, Handles: &tokens.Handles{Keys: codec.Keys}, Families: s.db, Revoker: revoker, Now: s.clock,
		}},
		JWKS:     &JWKS{Keys: manager, CacheControl: KeySetCacheControl(5*time.Minute, 30*time.Second)},
		Metadata: &Metadata{Issuer: issuer, Authenticator: authenticator, Grants: registry, Keys: manager},
		Userinfo: &Userinfo{Clients: s.Clients, Once: s.db, Now: s.clock, Persons: &oidc.Userinfo{
			Issuer: issuer, Verifier: s.Verifier, View: view, Clients: s.db, Users: s.db,
			Pairwise: pairwise, Encrypter: &oidc.Encrypter{},
			Signer: &tokens.Minter{Issuer: issuer, Keys: manager, MaxTTL: maxTTL, Rand: rand.Reader},
		}},
		Origins: &Origins{Registered: s},
		OpenAPI: &OpenAPI{Document: api.OpenAPI()},
		Health: &Health{
			Checks:  []Check{{"database", s.db.CheckWritable}, {"signing_keys", func(context.Context) error { return manager.Ready() }}},
			Timeout: time.Second, Now: s.clock, Logger: slog.New(slog.DiscardHandler),
		},
		SignIn: s.signIn(issuing, hints, codec, hasher),
	}
	s.Push = &Push{Clients: s.Clients, Authorizer: s.SignIn.Authorizer, Now: s.clock}
	s.Public.Logout = &Logout{SignIn: s.Public.SignIn, Ender: revoker, Requests: &oidc.Logouts{
		Clients: s.db, Store: s.db, Hints: hints, Envelope: oidc.NewLogoutEnvelope(tokens.Envelope{Keys: codec.Keys, Rand: rand.Reader}),
	}}
	s.Public.CheckSession = &CheckSession{Registered: s}
	s.Public.Account = &Account{Logout: s.Public.Logout, SignIn: s.Public.SignIn, Store: s.db, Clients: s.db, Revoker: revoker, NewPassword: logins.NewPassword{Hasher: hasher}}
	s.populate(hasher)
	return s
}

// Origin implements the interface of [Origins].
func (s *site) Origin(ctx context.Context, origin string) (bool, error) {
	return s.registered().Origin(ctx, origin)
}

// FramingOrigin implements the interface of [CheckSession].
func (s *site) FramingOrigin(ctx context.Context, origin string) (bool, error) {
	return s.registered().FramingOrigin(ctx, origin)
}

func (s *site) registered() *store.Cached {
	cached, err := store.NewCached(s.db, store.CacheOptions{Size: 1, TTL: time.Second, Now: s.clock})
	s.ok(err)
	return cached
}

func (s *site) openKeys() *keys.Manager {
	s.Helper()
	master, err := sealing.MasterFrom([32]byte{1})
	s.ok(err)
	sealer, err := sealing.Open(s.Context(), sealing.Options{
		Store: s.db, Keeper: master.Keeper(), MasterID: master.ID(), Actor: storetest.By().Actor, Now: s.clock, Rand: rand.Reader,
	})
	s.ok(err)
	made, err := generate()
	s.ok(err)
	m := &keys.Manager{
		Store: s.db, Server: "test", Actor: storetest.By().Actor, Sealer: sealer, Algorithms: []string{keys.RS256, keys.ES256},
		Timeline: keys.Timeline{RotationInterval: 24 * time.Hour, JWKSMaxAge: 5 * time.Minute, PollInterval: time.Minute, MaxTokenTTL: maxTTL},
		Source:   source(made), Now: s.clock, Logger: slog.New(slog.DiscardHandler),
	}
	s.ok(m.Load(s.Context()))
	return m
}

func (s *site) issuing(manager *keys.Manager, targets *grants.Targets, codec *tokens.RefreshCodec, pairwise *tokens.Pairwise) grants.Issuing {
	s.Helper()
	minter := &tokens.Minter{Issuer: issuer, Keys: manager, Backdate: 30 * time.Second, MaxTTL: maxTTL, Handles: &tokens.Handles{Keys: codec.Keys}, Pairwise: pairwise, Rand: rand.Reader}
	return grants.Issuing{
		Targets: targets, Minter: minter, Assertions: s.db, IDTokens: &oidc.IDTokens{Issuer: issuer, Signer: minter, Encrypter: &oidc.Encrypter{}, Pairwise: pairwise, TTL: maxTTL},
	}
}

func (s *site) registry(issuing grants.Issuing, codec *tokens.RefreshCodec, hasher *passwords.Hasher, revoker *tokens.Revoker) *grants.Registry {
	s.Helper()
	rotating := grants.Rotating{Issuing: issuing, PutBacks: &grants.PutBacks{Families: s.db}, Refresh: codec, Revoker: revoker}
	r, err := grants.NewRegistry(
		&grants.AuthorizationCode{Rotating: rotating, Families: s.db, Codes: &tokens.CodeCodec{Keys: codec.Keys}},
		&grants.ClientCredentials{Issuing: issuing},
		&grants.Password{Issuing: issuing, Login: logins.Password{Users: s.db, Verifier: hasher, Guard: s.guard}, Families: s.db, Refresh: codec, Rand: rand.Reader},
		&grants.Refresh{Rotating: rotating, Families: s.db, Sessions: s.browsers, Grace: 10 * time.Second},
		&grants.JWTBearer{Issuing: issuing, Trust: &grants.Trust{
			Issuers: s.db, Clients: s.db, Users: s.db,
			Verifier: &assertions.Verifier{Skew: time.Minute, Opener: plainBox{}}, Self: issuer, Audiences: []string{issuer, issuer + TokenPath}, Own: assertions.ClientRules{MaxLifetime: time.Hour},
		}},
	)
	s.ok(err)
	return r
}

func (s *site) populate(hasher *passwords.Hasher) {
	s.Helper()
	ctx, at := s.Context(), store.At(began.Add(-time.Hour))
	s.ok(s.db.CreateResource(ctx, store.Resource{
		ID: apiID, Scopes: oauth.Scope{"read", "write"}, AccessTokenTTL: 15 * time.Minute, SigningAlg: keys.ES256, CreatedAt: at, UpdatedAt: at,
	}, storetest.By()))
	sum := sha256.Sum256([]byte(secret))
	every := []oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken, oauth.JWTBearer}
	for _, c := range []store.Client{
		{ID: "web", Grants: every},
		{ID: "api", Serves: []string{apiID}},
		{ID: "other", Grants: every[:1]},
		{ID: "app", Grants: every[1:3], AuthMethods: []oauth.AuthMethod{oauth.AuthNone}},
	} {
		if c.AuthMethods == nil {
			c.AuthMethods = []oauth.AuthMethod{oauth.AuthBasic, oauth.AuthPost}
			c.Secrets = []store.ClientSecret{{ID: "1", Kind: store.SecretSHA256, Hash: sum[:], CreatedAt: at}}
		}
		c.Scopes, c.Resources = oauth.Scope{"read", "write"}, []string{apiID}
		c.RefreshIdle, c.RefreshMax, c.CreatedAt, c.UpdatedAt = time.Hour, 24*time.Hour, at, at
		s.ok(s.db.CreateClient(ctx, c, storetest.By()))
	}
	s.hash = hasher.Hash
	hash, err := hasher.Hash(ctx, password)
	s.ok(err)
	s.ok(s.db.CreateUser(ctx, store.User{ID: "0199a6f4-0000-7000-8000-000000000001", Username: "alice", PasswordHash: hash, Roles: []string{"admin"}, CreatedAt: at, UpdatedAt: at}, storetest.By()))
	s.ok(s.db.CreateIssuer(ctx, store.Issuer{
		ID: idp, SealedSecret: []byte(shared), Algorithms: []string{"HS256"}, SubjectClaim: "sub", SubjectKind: store.SubjectUser,
		Scopes: oauth.Scope{"read"}, MaxLifetime: time.Hour, CreatedAt: at, UpdatedAt: at,
	}, storetest.By()))
}

func (s *site) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// visitor sends requests to a listener, and checks every answer against api/openapi.yaml.
type visitor struct {
	testing.TB
	base   string
	client *http.Client
}

// public returns the handler of the public listener, with a time limit for answers.
func (s *site) public(limit time.Duration) http.Handler {
	s.Door.Limit, s.Metadata.Issuer = limit, s.Issuer
	return s.Door.Handler(s.Routes(), s.Issuer)
}

// ops returns the handler of the ops listener.
func (s *site) ops() http.Handler {
	return s.Door.Handler(Ops{Metrics: s.Door.Metrics, Health: s.Health}.Routes(), "")
}

// open starts the public listener.
func (s *site) open() visitor {
	s.Helper()
	return s.visit(s.public(10*time.Second), openapitest.New(s.TB).HostileClient(nil))
}

func (s *site) visit(handler http.Handler, client *http.Client) visitor {
	s.Helper()
	server := httptest.NewServer(handler)
	s.Cleanup(server.Close)
	return visitor{s.TB, server.URL, client}
}

// answer is an answer, read completely.
type answer struct {
	status int
	header http.Header
	body   string
}

// json decodes the body.
func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		t.Fatalf("%d %q is no JSON object: %v", a.status, a.body, err)
	}
	return body
}

func (a answer) text(t testing.TB, member string) string {
	t.Helper()
	text, _ := a.json(t)[member].(string)
	return text
}

func (v visitor) do(method, path, body string, header map[string]string) answer {
	v.Helper()
	request, err := http.NewRequestWithContext(v.Context(), method, v.base+path, strings.NewReader(body))
	if err != nil {
		v.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	return v.send(request)
}

func (v visitor) send(request *http.Request) answer {
	v.Helper()
	response, err := v.client.Do(request)
	if err != nil {
		v.Fatal(err)
	}
	data, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		v.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(data)}
}

// post sends a form of parameters: name, value, name, value. The client authenticates by Basic.
// With an empty secret, the body names the client, and with an empty name there is no client.
func (v visitor) post(path, client, clientSecret string, parameters ...string) answer {
	v.Helper()
	form := url.Values{}
	for i := 0; i < len(parameters); i += 2 {
		form.Add(parameters[i], parameters[i+1])
	}
	if client != "" && clientSecret == "" {
		form.Set("client_id", client)
	}
	request, err := http.NewRequestWithContext(v.Context(), http.MethodPost, v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if clientSecret != "" {
		request.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(clientSecret))
	}
	return v.send(request)
}

// token returns a token, or fails the test.
func (v visitor) token(client, clientSecret string, parameters ...string) answer {
	v.Helper()
	a := v.post(TokenPath, client, clientSecret, parameters...)
	if a.status != http.StatusOK {
		v.Fatalf("no token: %d %s", a.status, a.body)
	}
	return a
}

func (v visitor) login() answer {
	v.Helper()
	return v.token("web", secret, "grant_type", "password", "username", "alice", "password", password)
}

// refused requires an error answer.
func (v visitor) refused(a answer, status int, code oauth.Code) {
	v.Helper()
	if a.status != status || a.text(v.TB, "error") != string(code) {
		v.Errorf("answered %d %s, want %d %s", a.status, a.body, status, code)
	}
}

func vouch(t *testing.T, jti string) string {
	t.Helper()
	assertion, err := assertions.Sign("JWT", assertions.SigningKey{Key: []byte(shared)}, map[string]any{
		"iss": idp, "sub": "alice", "aud": issuer, "jti": jti, "exp": began.Add(5 * time.Minute).Unix(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return assertion
}

// outage is a database that is gone.
type outage struct{ store.Families }

var errGone = fmt.Errorf("SQLSTATE 08006, connection to 10.0.0.1 refused: %w", store.ErrUnavailable)

func (outage) Client(context.Context, string) (store.Client, error) { return store.Client{}, errGone }
func (outage) User(context.Context, string) (store.User, error)     { return store.User{}, errGone }
func (outage) Family(context.Context, store.FamilyID) (store.Family, error) {
	return store.Family{}, errGone
}
func (outage) Revoke(context.Context, store.Void) error { return errGone }
func (outage) RevocationsAfter(context.Context, store.Cursor, store.Moment, int) ([]store.Revocation, store.Cursor, error) {
	return nil, "", errGone
}
