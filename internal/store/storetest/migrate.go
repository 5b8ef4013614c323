package storetest

import (
	"context"
	"testing"
	"time"

	"authserver/internal/store"
)

func migrateTests() []test {
	return []test{
		{"an empty database is at version 0 and cannot serve", migrateEmpty},
		{"up, down and up again end where they began", migrateTwoWay},
		{"what the version before understands survives the way back and up again", migrateTrust},
		{"a registration with an id of its own does not become an issuer of that name by going back", migrateMendLost},
		{"nothing is let in or said in clear by going back", migrateTrustLost},
		{"ten replicas that start together on an empty database all succeed", migrateTogether},
		{"a version is forced, but none that this binary does not have", migrateForce},
		{"migrating down by nothing is refused", migrateNothing},
		{"a migration waits no longer than its context", migrateContext},
	}
}

func status(t *testing.T, ctx context.Context, s store.Store) store.MigrationStatus {
	t.Helper()
	got, err := s.MigrationStatus(ctx)
	ok(t, err)
	return got
}

func migrateEmpty(t *testing.T, open Open) {
	got := status(t, patience(t), open())
	if got.Version != 0 || got.Dirty || got.Latest == 0 || got.Check() == nil {
		t.Errorf("got %+v, check %v", got, got.Check())
	}
}

func migrateTwoWay(t *testing.T, open Open) {
	ctx, s := migrated(t, open)
	up := status(t, ctx, s)
	ok(t, up.Check())
	ok(t, s.MigrateUp(ctx))
	ok(t, s.CreateClient(ctx, aClient("web"), nil))
	for version := up.Latest; version > 0; version-- {
		ok(t, s.MigrateDown(ctx, 1))
		same(t, status(t, ctx, s), store.MigrationStatus{Version: version - 1, Latest: up.Latest})
	}
	ok(t, s.MigrateDown(ctx, 1))
	ok(t, s.MigrateUp(ctx))
	same(t, status(t, ctx, s), up)
	_, err := s.Client(ctx, "web")
	wantErr(t, err, store.ErrNotFound)
	ok(t, s.MigrateDown(ctx, 1000))
	same(t, status(t, ctx, s), store.MigrationStatus{Latest: up.Latest})
	if err := s.CreateClient(ctx, aClient("web"), nil); err == nil {
		t.Error("a client was created without a schema")
	}
}

// beforeTrust is the schema version that knows nothing of what step 3 adds.
const beforeTrust = 2

func migrateTrust(t *testing.T, open Open) {
	ctx, s := migrated(t, open)
	free := withFamily(t, ctx, s)
	bound := aFamily(2)
	bound.BoundTo = aThumbprint
	ok(t, s.CreateFamily(ctx, bound))
	secret := anIssuer("secret")
	secret.JWKS, secret.SealedSecret = nil, []byte{0, 1, 2}
	want := []store.Issuer{anIssuer("jwks"), secret}
	for _, i := range want {
		ok(t, s.CreateIssuer(ctx, i))
	}
	ok(t, s.MigrateDown(ctx, int(status(t, ctx, s).Latest-beforeTrust)))
	ok(t, s.MigrateUp(ctx))
	same(t, must[[]store.Issuer](t)(s.ListIssuers(ctx, store.Page{Limit: 10})), want)
	same(t, must[store.Client](t)(s.Client(ctx, "web")), aClient("web"))
	same(t, must[store.Family](t)(s.Family(ctx, free.ID)), free)
	_, err := s.Family(ctx, bound.ID)
	wantErr(t, err, store.ErrNotFound)

	topics := watching(t, open())
	for _, change := range []func() error{
		func() error { return s.CreateIssuer(ctx, anIssuer("new")) },
		func() error { return s.UpdateIssuer(ctx, anIssuer("new")) },
		func() error { return s.DeleteIssuer(ctx, "new") },
	} {
		ok(t, change())
		same(t, next(t, topics, 10*time.Second), store.TopicIssuers)
	}
}

func migrateTrustLost(t *testing.T, open Open) {
	ctx, s := migrated(t, open)
	steps := int(status(t, ctx, s).Latest - beforeTrust)
	back := func(lost string) {
		t.Helper()
		if err := s.MigrateDown(ctx, steps); err == nil {
			t.Fatalf("the schema was taken back, and with it %s", lost)
		}
		ok(t, s.MigrationForce(ctx, beforeTrust+1))
		ok(t, s.MigrateUp(ctx))
	}
	for lost, change := range map[string]func(*store.Issuer){
		"where an issuer's keys are":    func(i *store.Issuer) { i.JWKS, i.JWKSURI = nil, "https://idp.example.com/keys" },
		"an issuer's discovery":         func(i *store.Issuer) { i.JWKS, i.Discovery = nil, true },
		"a federated issuer":            func(i *store.Issuer) { i.SubjectKind = store.SubjectFederated },
		"an issuer's authorities":       func(i *store.Issuer) { i.JWKS, i.Certificates, i.CACertificates = nil, [][]byte{{1}}, [][]byte{{2}} },
		"an issuer's required claims":   func(i *store.Issuer) { i.RequiredClaims = []string{"nbf"} },
		"an issuer's patterns":          func(i *store.Issuer) { i.Patterns = []store.ClaimPattern{{"sub": "a"}} },
		"that assertions are encrypted": func(i *store.Issuer) { i.EncryptionAlg = "ECDH-ES" },
	} {
		i := anIssuer("urn:i")
		change(&i)
		ok(t, s.CreateIssuer(ctx, i))
		back(lost)
		same(t, must[store.Issuer](t)(s.Issuer(ctx, i.ID)), i)
		ok(t, s.DeleteIssuer(ctx, i.ID))
	}
	for lost, change := range map[string]func(*store.Client){
		"that tokens are DPoP-bound":                func(c *store.Client) { c.DPoPBound = true },
		"that tokens are bound to their TLS client": func(c *store.Client) { c.TLSBound = true },
	} {
		c := aClient("web")
		change(&c)
		ok(t, s.CreateClient(ctx, c, nil))
		back(lost)
		ok(t, s.DeleteClient(ctx, "web", voidsClient("web", 0)))
	}
	ok(t, s.CreateResource(ctx, aResource("https://api.example.com")))
	back("that tokens are encrypted")
}

func migrateMendLost(t *testing.T, open Open) {
	ctx, s := migrated(t, open)
	const beforeMend = 3
	cluster := anIssuer("cluster-b")
	cluster.Iss = "https://kubernetes.default.svc.cluster.local"
	ok(t, s.CreateIssuer(ctx, cluster))
	steps := int(status(t, ctx, s).Latest - beforeMend)
	if err := s.MigrateDown(ctx, steps); err == nil {
		t.Fatal("the schema was taken back, and with it whose the registration is")
	}
	ok(t, s.MigrationForce(ctx, beforeMend+1))
	same(t, must[store.Issuer](t)(s.Issuer(ctx, "cluster-b")), cluster)
	ok(t, s.DeleteIssuer(ctx, "cluster-b"))
	ok(t, s.MigrateDown(ctx, steps))
	ok(t, s.MigrateUp(ctx))
}

func migrateTogether(t *testing.T, open Open) {
	ctx := patience(t)
	handles := make([]store.Store, 10)
	for i := range handles {
		handles[i] = open()
	}
	together(2*len(handles), func(i int) error {
		s := handles[i/2]
		if i%2 == 0 {
			if err := s.MigrateUp(ctx); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.MigrationStatus(ctx); err != nil {
			t.Error(err)
		}
		return nil
	})
	ok(t, status(t, ctx, handles[0]).Check())
	ok(t, handles[9].CreateClient(ctx, aClient("web"), nil))
}

func migrateForce(t *testing.T, open Open) {
	ctx, s := migrated(t, open)
	at := status(t, ctx, s)
	if err := s.MigrationForce(ctx, at.Latest+1); err == nil {
		t.Error("a version that there is not was forced")
	}
	same(t, status(t, ctx, s), at)
	ok(t, s.MigrationForce(ctx, 0))
	same(t, status(t, ctx, s), store.MigrationStatus{Latest: at.Latest})
	if err := s.MigrateUp(ctx); err == nil {
		t.Error("the first migration ran over what it made")
	}
	broken := status(t, ctx, s)
	if !broken.Dirty || broken.Check() == nil {
		t.Errorf("a migration that broke off left %+v", broken)
	}
	if err := s.MigrateUp(ctx); err == nil {
		t.Error("a dirty schema was migrated")
	}
	if err := s.MigrateDown(ctx, 1); err == nil {
		t.Error("a dirty schema was taken back")
	}
	ok(t, s.MigrationForce(ctx, at.Latest))
	same(t, status(t, ctx, s), at)
	ok(t, s.CreateClient(ctx, aClient("web"), nil))
}

func migrateNothing(t *testing.T, open Open) {
	ctx, s := migrated(t, open)
	for _, steps := range []int{0, -1} {
		if err := s.MigrateDown(ctx, steps); err == nil {
			t.Errorf("%d steps were taken back", steps)
		}
	}
	ok(t, status(t, ctx, s).Check())
}

func migrateContext(t *testing.T, open Open) {
	s := open()
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	wantErr(t, s.MigrateUp(ctx), store.ErrUnavailable)
	same(t, status(t, patience(t), s).Version, 0)
}
