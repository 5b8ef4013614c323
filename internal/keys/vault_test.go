package keys_test

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
	"authserver/internal/keys/sealing"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/sqlite"
	"authserver/internal/store/storetest"
)

// vault is a database with something sealed in each table that can have it.
type vault struct {
	*testing.T
	db      *sqlite.DB
	c       *clock
	m       *keys.Manager // a running server
	refresh *keys.RefreshKeys
	plain   map[string]string // the plain values, by SealedAs
}

func newVault(t *testing.T) *vault {
	t.Helper()
	v := &vault{T: t, c: newClock()}
	v.db = openEngine(t, filepath.Join(t.TempDir(), "test.db"))
	v.m = engineManager(t, v.db, v.c)
	v.m.Algorithms = []string{keys.ES256}
	load(t, v.m)
	tick(t, v.m)
	v.refresh = newRefreshKeys(t, v.db, v.m.Sealer, v.c)
	v.ok(v.refresh.Load(t.Context()))
	v.ok(v.refresh.Tick(t.Context()))
	v.issuer(v.m.Sealer, "https://idp.example.com")
	v.plain = v.opened(v.m.Sealer)
	if len(v.plain) != 5 {
		t.Fatalf("%d values are sealed, want those of 2 signing keys, 2 refresh token keys and an issuer", len(v.plain))
	}
	return v
}

func (v *vault) ok(err error) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
}

// issuer registers an issuer with a shared secret.
func (v *vault) issuer(s *sealing.Sealer, id string) {
	v.Helper()
	sealed, err := s.Seal([]byte("the secret of "+id), store.SealedAs("issuers", id))
	v.ok(err)
	v.ok(v.db.CreateIssuer(v.Context(), store.Issuer{
		ID: id, SealedSecret: sealed, Algorithms: []string{"HS256"}, SubjectClaim: "sub", SubjectKind: store.SubjectUser,
		Scopes: oauth.Scope{"read"}, CreatedAt: store.At(v.c.Now()), UpdatedAt: store.At(v.c.Now()),
	}, storetest.By()))
}

// opened opens everything that is sealed.
func (v *vault) opened(s *sealing.Sealer) map[string]string {
	v.Helper()
	values, err := v.db.SealedValues(v.Context())
	v.ok(err)
	plain := make(map[string]string)
	for _, value := range values {
		as := store.SealedAs(value.Table, value.ID)
		opened, err := s.Open(value.Sealed, as)
		v.ok(err)
		plain[as] = string(opened)
	}
	return plain
}

// sealer opens the database with a master key.
func (v *vault) sealer(master sealing.Master) *sealing.Sealer {
	v.Helper()
	s, err := sealing.Open(v.Context(), sealerOptions(v.T, v.db, master))
	v.ok(err)
	return s
}

// refused requires an error that names both master keys.
func (v *vault) refused(given, needed sealing.Master) {
	v.Helper()
	_, err := sealing.Open(v.Context(), sealerOptions(v.T, v.db, given))
	if err == nil || !strings.Contains(err.Error(), given.ID()) || !strings.Contains(err.Error(), needed.ID()) {
		v.Errorf("error = %v, want one that names master keys %s and %s", err, given.ID(), needed.ID())
	}
}

// reseal is the reseal of the command, with its own connection.
func (v *vault) reseal(st sealing.ResealStore, from, to sealing.Master) (*sealing.Reseal, error) {
	v.Helper()
	o := sealerOptions(v.T, v.db, from)
	o.Store = st
	s, err := sealing.Open(v.Context(), o)
	if err != nil {
		return nil, err
	}
	return &sealing.Reseal{
		Store: st, From: s, Keeper: to.Keeper(), Master: to.ID(), Now: v.c.Now, Rand: rand.Reader, By: by(),
		Settle: func(ctx context.Context) error { return v.m.Sealer.Reload(ctx) },
	}, nil
}

func (v *vault) run(from, to sealing.Master) sealing.Resealed {
	v.Helper()
	r, err := v.reseal(v.db, from, to)
	v.ok(err)
	done, err := r.Run(v.Context())
	v.ok(err)
	return done
}

// goesOn checks that the running server continues as before.
func (v *vault) goesOn(s *sealing.Sealer) {
	v.Helper()
	if diff := cmp.Diff(v.plain, v.opened(s)); diff != "" {
		v.Errorf("what is sealed changed: %s", diff)
	}
	before := v.m.JWKS()
	tick(v, v.m)
	if diff := cmp.Diff(before, v.m.JWKS()); diff != "" || v.m.Ready() != nil {
		v.Errorf("the server does not go on: %v %s", v.m.Ready(), diff)
	}
	v.ok(v.refresh.Tick(v.Context()))
	if _, ok := v.refresh.ByID(1); !ok {
		v.Error("refresh tokens are refused")
	}
}

func newMaster(t testing.TB) sealing.Master {
	t.Helper()
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		t.Fatal(err)
	}
	return aMaster(key)
}
