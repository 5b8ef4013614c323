package grants_test

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"authserver/internal/grants"
	"authserver/internal/keys"
	"authserver/internal/keys/sealing"
	"authserver/internal/logins"
	"authserver/internal/oauth"
	"authserver/internal/passwords"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/testkit"
	"authserver/internal/tokens"
	"authserver/internal/trust/assertions"
	"authserver/test/sqlitetest"
)

const (
	self   = "https://as.example.com"
	api    = "https://api.example.com"
	files  = "https://files.example.com"
	mail   = "https://mail.example.com" // signed with ES256
	idp    = "https://idp.example.com"
	secret = "wonderland, with a white rabbit"

	grace  = 10 * time.Second
	skew   = time.Minute
	maxTTL = time.Hour

	ourClock = 1 // of the one replica in most tests
)

// began is the start of the clock in every test.
var began = time.Date(2026, 3, 1, 12, 0, 0, 123_456_000, time.UTC)

// source returns keys that were made before.
type source map[string]crypto.Signer

func (s source) Generate(alg string) (crypto.Signer, string, error) { return s[alg], "", nil }
func (source) Signer(string) (crypto.Signer, error)                 { return nil, errors.New("no such key") }

// world has the grants over a real database and real keys.
type world struct {
	testing.TB
	*testkit.Clock
	db       store.Store
	manager  *keys.Manager
	view     *tokens.View
	codec    *tokens.RefreshCodec
	handles  *tokens.Handles
	minter   *tokens.Minter
	targets  *grants.Targets
	verifier *assertions.Verifier

	clientCredentials *grants.ClientCredentials
	password          *grants.Password
	refresh           *grants.Refresh
	jwtBearer         *grants.JWTBearer
}

// Making keys takes long under the race detector, so all tests share them.
var generate = sync.OnceValues(func() (map[string]crypto.Signer, error) {
	rs, err := keys.Generate(keys.RS256)
	if err != nil {
		return nil, err
	}
	es, err := keys.Generate(keys.ES256)
	return map[string]crypto.Signer{keys.RS256: rs, keys.ES256: es}, err
})

var hasher = sync.OnceValue(func() *passwords.Hasher {
	return must(passwords.New(passwords.Options{Cost: passwords.MinCost, Workers: 2, Wait: time.Minute, Rand: rand.Reader}))
})

var issuerKey = sync.OnceValue(func() *ecdsa.PrivateKey {
	return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (w *world) wait(d time.Duration) { w.Advance(d) }

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOn(t, sqlitetest.Open(t))
}

// newWorldOn is newWorld over a migrated database without rows.
func newWorldOn(t testing.TB, db store.Store) *world {
	t.Helper()
	w := &world{TB: t, Clock: testkit.NewClock(began), db: db}
	w.openKeys()
	w.view = &tokens.View{Store: w.db, Now: w.Now}
	w.ok(w.view.Follow(t.Context()))
	w.minter = &tokens.Minter{Issuer: self, Keys: w.manager, Backdate: 30 * time.Second, MaxTTL: maxTTL, Handles: w.handles, Rand: rand.Reader}
	w.targets = &grants.Targets{
		Resources: w.db,
		Default:   store.Resource{ID: self, AccessTokenTTL: 10 * time.Minute, SigningAlg: keys.RS256},
	}
	w.verifier = &assertions.Verifier{Skew: skew}
	issuing := w.issuing()
	w.clientCredentials = &grants.ClientCredentials{Issuing: issuing}
	w.password = &grants.Password{
		Issuing: issuing, Login: logins.Password{Users: w.db, Verifier: hasher()}, Families: w.db, Refresh: w.codec, Clock: ourClock, Rand: rand.Reader,
	}
	w.refresh = &grants.Refresh{
		Rotating: grants.Rotating{
			Issuing: issuing, PutBacks: &grants.PutBacks{Families: w.db}, Refresh: w.codec, Revoker: w.revoker(), Clock: store.Clock{ID: ourClock, Skew: skew},
		},
		Families: w.db, Grace: grace,
	}
	w.jwtBearer = &grants.JWTBearer{Issuing: issuing, Trust: &grants.Trust{
		Issuers: w.db, Clients: w.db, Users: w.db, Names: w.db, Decrypter: w.manager, Verifier: w.verifier, Self: self,
		Audiences: []string{self, self + "/oauth2/token"}, Own: assertions.ClientRules{MaxLifetime: time.Hour},
	}}
	w.populate()
	return w
}

// issuing is the common part of all grants.
func (w *world) issuing() grants.Issuing {
	return grants.Issuing{Targets: w.targets, Minter: w.minter, Assertions: w.db}
}

func (w *world) revoker() *tokens.Revoker {
	return &tokens.Revoker{Store: w.db, View: w.view, Now: w.Now, Skew: skew, Issuing: time.Minute, Stale: time.Hour, Logger: slog.New(slog.DiscardHandler)}
}

func (w *world) openKeys() {
	w.Helper()
	master, err := sealing.MasterFrom([32]byte{1})
	w.ok(err)
	sealer, err := sealing.Open(w.Context(), sealing.Options{
		Store: w.db, Keeper: master.Keeper(), MasterID: master.ID(), Actor: storetest.By().Actor, Now: w.Now, Rand: rand.Reader,
	})
	w.ok(err)
	made, err := generate()
	w.ok(err)
	w.manager = &keys.Manager{
		Store: w.db, Server: "test", Actor: storetest.By().Actor, Sealer: sealer, Algorithms: []string{keys.RS256, keys.ES256},
		Timeline: keys.Timeline{RotationInterval: 24 * time.Hour, JWKSMaxAge: time.Minute, PollInterval: time.Minute, MaxTokenTTL: maxTTL},
		Source:   source(made), Now: w.Now, Logger: slog.New(slog.DiscardHandler),
	}
	w.ok(w.manager.Load(w.Context()))
	refreshKeys := &keys.RefreshKeys{
		Store: w.db, Sealer: sealer, Actor: storetest.By().Actor, Timeline: w.manager.Effective, Now: w.Now, Rand: rand.Reader, Logger: slog.New(slog.DiscardHandler),
	}
	w.ok(refreshKeys.Load(w.Context()))
	w.codec, w.handles = &tokens.RefreshCodec{Keys: refreshKeys}, &tokens.Handles{Keys: refreshKeys}
}

// populate registers the nouns of the tests.
func (w *world) populate() {
	w.Helper()
	ctx, at := w.Context(), store.At(began.Add(-time.Hour))
	for _, r := range []store.Resource{
		{ID: api, Scopes: oauth.Scope{"read", "write"}, AccessTokenTTL: 15 * time.Minute, SigningAlg: keys.RS256, Claims: map[string]any{"tenant": "api", "at": "resource"}},
		{ID: files, Scopes: oauth.Scope{"read", "list"}, AccessTokenTTL: 5 * time.Minute, SigningAlg: keys.RS256},
		{ID: mail, AccessTokenTTL: 15 * time.Minute, SigningAlg: keys.ES256},
	} {
		r.CreatedAt, r.UpdatedAt = at, at
		w.ok(w.db.CreateResource(ctx, r, storetest.By()))
	}
	for _, c := range []store.Client{
		{ID: "web", Scopes: oauth.Scope{"read", "write", "list"}, Resources: []string{api, files}},
		{ID: "other", Scopes: oauth.Scope{"read"}, Resources: []string{api}},
		{ID: "bound", TLSBound: true, Scopes: oauth.Scope{"read"}, Resources: []string{api}},
		{ID: "app", AuthMethods: []oauth.AuthMethod{oauth.AuthNone}, Scopes: oauth.Scope{"read"}, Resources: []string{api}},
	} {
		if c.AuthMethods == nil {
			c.AuthMethods = []oauth.AuthMethod{oauth.AuthBasic}
		}
		c.Grants = []oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken, oauth.JWTBearer}
		c.RefreshIdle, c.RefreshMax = 30*time.Minute, 4*time.Hour
		c.CreatedAt, c.UpdatedAt = at, at
		w.ok(w.db.CreateClient(ctx, c, storetest.By()))
	}
	hash, err := hasher().Hash(ctx, secret)
	w.ok(err)
	for _, u := range []store.User{
		{ID: "0199a6f4-0000-7000-8000-000000000001", Username: "alice", Email: "alice@example.com", UPN: "alice@corp", Roles: []string{"admin"}, Permissions: []string{"x:y"}},
		{ID: "0199a6f4-0000-7000-8000-000000000002", Username: "bob"},
		{ID: "0199a6f4-0000-7000-8000-000000000003", Username: "carol", Disabled: true},
	} {
		u.PasswordHash, u.CreatedAt, u.UpdatedAt = hash, at, at
		w.ok(w.db.CreateUser(ctx, u, storetest.By()))
	}
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) client(id string) *store.Client {
	w.Helper()
	c, err := w.db.Client(w.Context(), id)
	w.ok(err)
	return &c
}

func (w *world) alice() store.User {
	w.Helper()
	u, err := w.db.UserByName(w.Context(), store.ByUsername, "alice")
	w.ok(err)
	return u
}

// change updates a client and returns the new state.
func (w *world) change(id string, change func(*store.Client)) *store.Client {
	w.Helper()
	c := w.client(id)
	change(c)
	w.ok(w.db.UpdateClient(w.Context(), *c, storetest.By()))
	return w.client(id)
}

// ask makes a request of parameters: name, value, name, value.
func (w *world) ask(client *store.Client, parameters ...string) grants.Request {
	w.Helper()
	var pairs []string
	for i := 0; i < len(parameters); i += 2 {
		pairs = append(pairs, url.QueryEscape(parameters[i])+"="+url.QueryEscape(parameters[i+1]))
	}
	form, err := oauth.ParseForm("application/x-www-form-urlencoded", strings.Join(pairs, "&"))
	w.ok(err)
	return grants.Request{Client: client, Form: form, Now: w.Now()}
}

func (w *world) exchange(g grants.Grant, r grants.Request) grants.Answer {
	w.Helper()
	answer, err := g.Exchange(w.Context(), r)
	w.ok(err)
	return answer
}

// login logs alice in at the client web.
func (w *world) login(parameters ...string) grants.Answer {
	w.Helper()
	return w.exchange(w.password, w.ask(w.client("web"), append([]string{"username", "alice", "password", secret}, parameters...)...))
}

func (w *world) verifyAccess(token string) tokens.Claims {
	w.Helper()
	claims, err := w.accessVerifier().Verify(w.Now(), token)
	w.ok(err)
	return claims
}

func (w *world) revoked(claims tokens.Claims) bool {
	w.Helper()
	revoked, err := w.view.Revoked(w.Context(), claims)
	w.ok(err)
	return revoked
}

func (w *world) accessVerifier() *tokens.Verifier {
	return &tokens.Verifier{Issuer: self, Keys: w.manager, Skew: skew}
}

// refused requires a refusal with this code and reason, and returns its description.
func refused(t testing.TB, err error, code oauth.Code, reason string) (told string) {
	t.Helper()
	var e *oauth.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s (%s)", err, code, reason)
	}
	if e.Code != code || e.Reason != reason {
		t.Fatalf("refused with %v, want %s (%s)", e, code, reason)
	}
	return e.Description
}

// trust registers the issuer idp with the key issuerKey.
func (w *world) trust(change func(*store.Issuer)) {
	w.Helper()
	set := testkit.JWKS(w, testkit.JWK(w, issuerKey().Public(), nil))
	at := store.At(began)
	issuer := store.Issuer{
		ID: idp, JWKS: set, Algorithms: []string{"ES256"}, SubjectClaim: "sub", SubjectKind: store.SubjectUser,
		Scopes: oauth.Scope{"read", "list"}, Resources: []string{api, files}, MaxLifetime: time.Hour, CreatedAt: at, UpdatedAt: at,
	}
	change(&issuer)
	w.ok(w.db.CreateIssuer(w.Context(), issuer, storetest.By(), w.siblings(issuer)...))
}

// siblings returns the other registrations with the same iss.
func (w *world) siblings(issuer store.Issuer) []store.Issuer {
	w.Helper()
	found, err := w.db.IssuersOf(w.Context(), cmp.Or(issuer.Iss, issuer.ID))
	if !errors.Is(err, store.ErrNotFound) {
		w.ok(err)
	}
	return slices.DeleteFunc(found, func(i store.Issuer) bool { return i.ID == issuer.ID })
}

// vouch makes an assertion of idp, with changes; a nil one removes a claim.
func (w *world) vouch(changes map[string]any) string {
	w.Helper()
	id := make([]byte, 12)
	_, err := rand.Read(id)
	w.ok(err)
	claims := map[string]any{
		"iss": idp, "sub": "alice", "aud": self, "jti": base64.RawURLEncoding.EncodeToString(id),
		"iat": w.Now().Unix(), "exp": w.Now().Add(5 * time.Minute).Unix(),
	}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	assertion, err := assertions.Sign("JWT", assertions.SigningKey{Key: issuerKey()}, claims)
	w.ok(err)
	return assertion
}

// outage is a database that is gone.
type outage struct{}

var errGone = fmt.Errorf("dial tcp 10.0.0.1:5432: connection refused: %w", store.ErrUnavailable)

func (outage) Client(context.Context, string) (store.Client, error) { return store.Client{}, errGone }
func (outage) Resource(context.Context, string) (store.Resource, error) {
	return store.Resource{}, errGone
}
func (outage) IssuersOf(context.Context, string) ([]store.Issuer, error) { return nil, errGone }
func (outage) User(context.Context, string) (store.User, error)          { return store.User{}, errGone }
func (outage) UserByName(context.Context, store.NameKind, string) (store.User, error) {
	return store.User{}, errGone
}
func (outage) SubjectTaken(context.Context, string) (bool, error)             { return false, errGone }
func (outage) CreateFamily(context.Context, store.Family, ...store.Use) error { return errGone }
func (outage) Rotate(context.Context, store.Rotation) (store.RotationResult, error) {
	return store.RotationResult{}, errGone
}
func (outage) RevocationsAfter(context.Context, store.Cursor, store.Moment, int) ([]store.Revocation, store.Cursor, error) {
	return nil, "", errGone
}
func (outage) UseOnce(context.Context, ...store.Use) error { return errGone }

// remembered is a user as a cache read it some time ago.
type remembered struct{ user store.User }

func (r remembered) UserByName(context.Context, store.NameKind, string) (store.User, error) {
	return r.user, nil
}

// usersAsRead is the same for readers by id.
type usersAsRead struct{ user store.User }

func (r usersAsRead) User(context.Context, string) (store.User, error) { return r.user, nil }
func (r usersAsRead) UserByName(context.Context, store.NameKind, string) (store.User, error) {
	return r.user, nil
}

// crowd is a full queue for bcrypt.
type crowd struct{}

func (crowd) Verify(context.Context, []byte, string) (bool, error) { return false, passwords.ErrBusy }

// lostKey opens nothing.
type lostKey struct{}

var errLost = errors.New("the data key is lost")

func (lostKey) Open([]byte, string) ([]byte, error) { return nil, errLost }
