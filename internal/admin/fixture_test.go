package admin_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"authserver/internal/admin"
	"authserver/internal/keys"
	"authserver/internal/keys/sealing"
	"authserver/internal/passwords"
	"authserver/internal/store"
	"authserver/internal/store/sqlite"
	"authserver/internal/tokens"
	"authserver/internal/trust/remotekeys"
	"authserver/test/sqlitetest"
)

const (
	self    = "https://auth.example.com"
	api     = "https://api.example.com"
	issuing = 20 * time.Second
	stale   = time.Hour
)

// by is the operator of the tests.
var by = admin.Operator("root", "db1")

// office is an Admin on a real database, with a clock that the test moves.
type office struct {
	*admin.Admin
	*admin.Common
	t     testing.TB
	store *sqlite.DB
	clock time.Time
	// documents are what clients publish, by their addresses.
	documents published
}

// published are documents that a test serves.
type published map[string]string

// Fetch implements [admin.Documents].
func (p published) Fetch(_ context.Context, from string, _ time.Time) (remotekeys.Fetched, error) {
	body, is := p[from]
	if !is {
		return remotekeys.Fetched{}, errors.New("it answers 404")
	}
	return remotekeys.Fetched{Body: []byte(body)}, nil
}

func newOffice(t testing.TB) *office {
	t.Helper()
	ctx := t.Context()
	db := sqlitetest.Open(t)
	o := &office{t: t, store: db, clock: time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC), documents: published{}}
	now := func() time.Time { return o.clock }
	master, err := sealing.MasterFrom([32]byte{1})
	o.must(err)
	sealer, err := sealing.Open(ctx, sealing.Options{Store: db, Keeper: master.Keeper(), MasterID: master.ID(), Actor: by.Actor, Now: now, Rand: rand.Reader})
	o.must(err)
	hasher, err := passwords.New(passwords.Options{Cost: passwords.MinCost, Workers: 2, Wait: time.Minute, Rand: rand.Reader})
	o.must(err)
	signing := &keys.Manager{
		Store: db, Server: "test", Actor: by.Actor, Sealer: sealer, Algorithms: []string{keys.ES256}, Source: keys.Software{}, Now: now, Logger: slog.New(slog.DiscardHandler),
		Timeline: keys.Timeline{RotationInterval: 30 * 24 * time.Hour, JWKSMaxAge: 5 * time.Minute, PollInterval: 30 * time.Second, ClockSkew: time.Minute, MaxTokenTTL: 24 * time.Hour},
	}
	refresh := &keys.RefreshKeys{
		Store: db, Sealer: sealer, Actor: by.Actor, Timeline: signing.Effective, Now: now, Rand: rand.Reader, Logger: slog.New(slog.DiscardHandler),
	}
	revoker := &tokens.Revoker{
		Store: db, View: &tokens.View{Store: db, Now: now}, Now: now, Skew: time.Minute, Issuing: issuing, Stale: stale,
		Logger: slog.New(slog.DiscardHandler),
	}
	o.Common = &admin.Common{
		Self: self, Now: now, Rand: rand.Reader,
		Limits: admin.Limits{
			AccessTokenTTL: 15 * time.Minute, MaxAccessTokenTTL: 24 * time.Hour,
			SigningAlg:     keys.RS256,
			RefreshIdleTTL: 30 * 24 * time.Hour, RefreshMaxTTL: 90 * 24 * time.Hour, RefreshGrace: 10 * time.Second,
			AssertionLifetime: time.Hour, ClockSkew: time.Minute,
		},
	}
	targets, users := admin.Targets{Self: self, Resources: db}, admin.UserFinder{Store: db}
	families := &admin.Families{Common: o.Common, Store: db, Users: users, Clients: db, Revoker: revoker, Signing: signing, Refresh: refresh}
	o.Admin = &admin.Admin{
		Clients:    &admin.Clients{Common: o.Common, Store: db, Targets: targets, Sealer: sealer, Passwords: hasher, Revoker: revoker, Documents: o.documents, Keys: signing},
		Users:      &admin.Users{Common: o.Common, UserFinder: users, Rows: db, Passwords: hasher, Revoker: revoker},
		Resources:  &admin.Resources{Common: o.Common, Store: db, Keys: signing},
		Issuers:    &admin.Issuers{Common: o.Common, Store: db, Siblings: db, Clients: db, Targets: targets, Sealer: sealer},
		Families:   families,
		Sessions:   &admin.Sessions{Common: o.Common, Store: db, Users: users, Revoker: revoker},
		Consents:   &admin.Consents{Store: db, Users: users, Clients: db, Revoker: revoker},
		Audit:      &admin.Audit{Store: db, Users: users, Clients: db, Now: now},
		Keys:       &admin.Keys{Signing: signing, Refresh: refresh, Now: now},
		MasterKeys: &admin.MasterKeys{Common: o.Common, Store: db, Sealer: sealer, Servers: signing},
		Tokens: &admin.Inspector{
			Common: o.Common, Audiences: []string{self, self + "/oauth2/token"}, Families: families, Issuers: db, Clients: db, Users: db, Names: db,
			Assertions: db, Resources: db, Revocations: db, Signing: signing, Subjects: &keys.SubjectSecret{Store: db, Sealer: sealer, Actor: by.Actor, Now: now, Rand: rand.Reader}, Refresh: refresh, Sealer: sealer,
		},
	}
	return o
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// serves makes a server promise this lifetime of access tokens, which is longer than the settings
// of the office.
func (o *office) serves(ttl time.Duration) {
	o.t.Helper()
	o.Limits.MaxAccessTokenTTL, o.Keys.Signing.Timeline.MaxTokenTTL = time.Minute, ttl // the office mints with the settings of the server
	l := store.Lifetimes{
		Server: "other", RotationInterval: time.Hour, JWKSMaxAge: time.Minute, PollInterval: time.Second, ClockSkew: time.Minute,
		MaxTokenTTL: ttl, KeptUntil: o.now().Add(time.Hour),
	}
	o.must(o.store.PromiseLifetimes(o.t.Context(), l, o.now()))
}

func (o *office) now() store.Moment { return store.At(o.clock) }

// notBefore returns the NotBefore of what is created or voided now.
func (o *office) notBefore() store.Moment { return store.At(o.clock.Truncate(time.Millisecond)) }

// resource registers api with the scopes read and write.
func (o *office) resource() {
	o.t.Helper()
	_, _, err := o.Resources.Create(o.t.Context(), by, admin.NewResource{ID: api, ResourceInput: admin.ResourceInput{Scopes: []string{"read", "write"}}})
	o.must(err)
}

func (o *office) client(n admin.NewClient) admin.ClientWithSecret {
	o.t.Helper()
	c, _, err := o.Clients.Create(o.t.Context(), by, n)
	o.must(err)
	return c
}

func (o *office) user(name string) admin.User {
	o.t.Helper()
	u, err := o.Users.Create(o.t.Context(), by, admin.UserInput{Username: &name, Password: ptr("curiouser-and-curiouser")})
	o.must(err)
	return u
}

// revocations returns all recorded revocations.
func (o *office) revocations() []store.Revocation {
	o.t.Helper()
	found, _, err := o.store.RevocationsAfter(o.t.Context(), "", o.now(), 100)
	o.must(err)
	return found
}

// minter signs tokens of the server that belongs to the office.
func (o *office) minter() *tokens.Minter {
	o.t.Helper()
	o.must(o.Keys.Signing.Load(o.t.Context()))
	return &tokens.Minter{Issuer: self, Keys: o.Keys.Signing, MaxTTL: 24 * time.Hour, Rand: rand.Reader}
}

func ptr[T any](v T) *T { return &v }

// wantFaults requires faults whose text contains each of the words.
func wantFaults(t testing.TB, err error, words ...string) {
	t.Helper()
	var faults admin.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got %v, want faults", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q lacks %q", err, w)
		}
	}
}

// wantFault requires a fault of a field and of a code whose text contains each of the words, and no
// other fault.
func wantFault(t testing.TB, err error, field admin.Field, code admin.Code, words ...string) {
	t.Helper()
	var faults admin.Faults
	if !errors.As(err, &faults) || len(faults) != 1 || faults[0].Field != field || faults[0].Code != code {
		t.Fatalf("got %#v, want a fault of %s with the code %s", err, field, code)
	}
	for _, w := range words {
		if text := faults[0].Text.String(); !strings.Contains(text, w) {
			t.Errorf("the text %q lacks %q", text, w)
		}
	}
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// reasons returns the texts that say why a token is good or bad.
func reasons(i admin.Inspection) string {
	var texts []string
	for _, r := range i.Reasons {
		texts = append(texts, r.Text.String())
	}
	return strings.Join(texts, "\n")
}

// said returns the texts of warnings.
func said(warnings []admin.Fault) string { return admin.Faults(warnings).Error() }
