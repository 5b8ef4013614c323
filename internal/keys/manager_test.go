package keys_test

import (
	"context"
	"crypto"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
	"authserver/internal/store"
)

func TestReplicasThatStartAtOnceMakeOneKeyPerAlgorithm(t *testing.T) {
	st, c := &memory{}, newClock()
	managers := make([]*keys.Manager, 5)
	var wg sync.WaitGroup
	for i := range managers {
		managers[i] = newManager(t, st, c)
		managers[i].Algorithms = []string{keys.RS256, keys.ES256}
		wg.Go(func() {
			if err := managers[i].Load(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	if got := statesAt(t, st, c.Now()); len(got[keys.Active]) != 2 || len(got) != 1 {
		t.Fatalf("states = %v, want two active keys", got)
	}
	for _, m := range managers {
		for _, alg := range m.Algorithms {
			if got, want := signerOf(t, m, alg), signerOf(t, managers[0], alg); got.KID != want.KID || got.Alg != alg {
				t.Errorf("a replica signs %s with %s %s, another with %s", alg, got.Alg, got.KID, want.KID)
			}
		}
		if diff := cmp.Diff(managers[0].JWKS(), m.JWKS()); diff != "" {
			t.Errorf("replicas serve other bytes: %s", diff)
		}
	}
}

func TestNothingIsReadyBeforeItIsLoaded(t *testing.T) {
	m := newManager(t, &memory{}, newClock())
	if m.Ready() == nil {
		t.Error("it is ready")
	}
	if _, err := m.Signer(keys.ES256); err == nil {
		t.Error("it signs")
	}
	if _, ok := m.Public("any"); ok {
		t.Error("it verifies")
	}
	if d := m.JWKS(); d.Body != nil || d.ETag != "" {
		t.Errorf("it serves %s", d.Body)
	}
	if err := m.FlushUse(t.Context()); err != nil {
		t.Errorf("FlushUse: %v", err)
	}
}

func TestEveryKeyIsFollowedByTheNextOnTime(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	var signed []string
	for range 10 * 24 * 4 {
		tick(t, m)
		kid := signerOf(t, m, keys.ES256).KID
		if len(signed) == 0 || signed[len(signed)-1] != kid {
			signed = append(signed, kid)
		}
		states := statesAt(t, st, c.Now())
		if len(states[keys.Active]) != 1 || len(states[keys.Pending]) != 1 {
			t.Fatalf("states = %v, want one active and one pending key", states)
		}
		c.advance(15 * time.Minute)
	}
	if len(signed) != 10 {
		t.Errorf("%d keys signed in ten days, want one a day", len(signed))
	}
}

func TestALostDatabaseStopsNeitherSigningNorTheNextHandover(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	tick(t, m)
	first := signerOf(t, m, keys.ES256).KID
	next := statesAt(t, st, c.Now())[keys.Pending][0]
	st.down = true
	c.advance(24*time.Hour - 1)
	if err := m.Tick(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("Tick() = %v, want ErrUnavailable", err)
	}
	if got := signerOf(t, m, keys.ES256).KID; got != first {
		t.Errorf("%s signs before the handover, want %s", got, first)
	}
	c.advance(1)
	if got := signerOf(t, m, keys.ES256).KID; got != next {
		t.Errorf("%s signs after the handover, want %s", got, next)
	}
	c.advance(365 * 24 * time.Hour)
	if got := signerOf(t, m, keys.ES256).KID; got != next || m.Ready() != nil {
		t.Errorf("%s signs a year later, want %s still", got, next)
	}
	st.down = false
	tick(t, m)
	tick(t, m)
	if got := statesAt(t, st, c.Now()); len(got[keys.Pending]) != 1 {
		t.Errorf("states = %v, want a successor as soon as the database is back", got)
	}
}

func TestASlowClockSignsWithTheFirstKeyAllTheSame(t *testing.T) {
	st, c, slow := &memory{}, newClock(), newClock()
	slow.advance(-30 * time.Second)
	load(t, newManager(t, st, c))
	m := newManager(t, st, slow)
	load(t, m)
	if err := m.Ready(); err != nil {
		t.Error(err)
	}
}

func TestAKeyThatTookLongToMakeIsPublishedWhenItIsThere(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	var made []time.Time
	m.Source = slow(func() {
		c.advance(10 * time.Minute)
		made = append(made, c.Now())
	})
	if _, err := m.Rotate(t.Context(), by()); err != nil {
		t.Fatal(err)
	}
	next := st.signing[1]
	// The key after it was made meanwhile too.
	if last := made[len(made)-1]; !next.PublishedAt.Equal(last) || next.ActiveAt.Sub(last) != timeline().Lead() {
		t.Errorf("published %v and active %v after it was made, want 0 and %v", next.PublishedAt.Sub(last), next.ActiveAt.Sub(last), timeline().Lead())
	}
}

// slow takes a while to make a key.
type slow func()

func (s slow) Generate(alg string) (crypto.Signer, string, error) {
	s()
	return keys.Software{}.Generate(alg)
}

func (slow) Signer(uri string) (crypto.Signer, error) { return keys.Software{}.Signer(uri) }

func TestPublicKeysAreThoseThatArePublished(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	tick(t, m)
	first := signerOf(t, m, keys.ES256)
	st.down = true // from here on only the clock changes something
	c.advance(24 * time.Hour)
	for _, step := range []struct {
		name    string
		after   time.Duration
		visible bool
	}{
		{"a retired key verifies", 0, true},
		{"until just before it is removed", 16*time.Minute - 1, true},
		{"and then no longer", 1, false},
	} {
		c.advance(step.after)
		got, ok := m.Public(first.KID)
		if ok != step.visible {
			t.Errorf("%s: found %v, want %v", step.name, ok, step.visible)
		}
		if ok && (got.KID != first.KID || got.Alg != keys.ES256 || !cmp.Equal(got.Key, first.Key.Public())) {
			t.Errorf("%s: %v", step.name, got)
		}
		if inSet := strings.Contains(string(m.JWKS().Body), first.KID); inSet != step.visible {
			t.Errorf("%s: in the JWKS %v, want %v", step.name, inSet, step.visible)
		}
	}
	if _, ok := m.Public("unknown"); ok {
		t.Error("an unknown kid is found")
	}
}

func TestAReplicaNeverSignsWithAKeyThatTheDatabaseDoesNotHave(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	lossy := &forgetful{memory: st}
	m.Store = lossy
	if err := m.Load(t.Context()); err == nil {
		t.Fatal("it loaded a key that was not kept")
	}
	if _, err := m.Signer(keys.ES256); err == nil {
		t.Error("it signs with a key that was not kept")
	}
}

// forgetful reports that it stored a key, but has not.
type forgetful struct{ *memory }

func (f *forgetful) KeyPlan(ctx context.Context, now store.Moment) (store.KeyPlan, error) {
	plan, err := f.memory.KeyPlan(ctx, now)
	plan.Keys = nil
	return plan, err
}

func TestTamperedRowsAreNotUsed(t *testing.T) {
	for _, c := range []struct {
		name   string
		tamper func(rows []store.SigningKey)
		fault  string
	}{
		{"two private keys that were swapped", func(rows []store.SigningKey) {
			rows[0].Sealed, rows[1].Sealed = rows[1].Sealed, rows[0].Sealed
		}, "belongs to another row"},
		{"a flipped bit", func(rows []store.SigningKey) { rows[0].Sealed[40] ^= 1 }, "was changed"},
		{"a cut private key", func(rows []store.SigningKey) { rows[0].Sealed = rows[0].Sealed[:10] }, "cut short"},
		{"a private key that is gone", func(rows []store.SigningKey) { rows[0].Sealed = nil }, "cut short"},
		{"another algorithm", func(rows []store.SigningKey) { rows[0].Alg = keys.RS256 }, "does not fit RS256"},
		{"another kid", func(rows []store.SigningKey) { rows[0].KID = rows[1].KID + "x" }, "belongs to another row"},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, clk := &memory{}, newClock()
			m := newManager(t, st, clk)
			load(t, m)
			tick(t, m)
			served := m.JWKS()
			good := make([]store.SigningKey, len(st.signing))
			for i, k := range st.signing {
				k.Sealed = append([]byte(nil), k.Sealed...)
				good[i] = k
			}
			c.tamper(st.signing)
			fresh := newManager(t, st, clk)
			if st.signing[0].Alg == keys.RS256 {
				fresh.Algorithms = []string{keys.RS256}
			}
			err := fresh.Load(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("Load() = %v, want an error that says %q", err, c.fault)
			}
			if len(st.signing) != 2 {
				t.Errorf("%d keys, want no new one", len(st.signing))
			}
			_ = m.Reload(t.Context()) // an error if no row is left that could be the active key's
			if diff := cmp.Diff(served, m.JWKS()); diff != "" || m.Ready() != nil {
				t.Errorf("a running replica does not go on as before: %v %s", m.Ready(), diff)
			}
			st.signing = good
			tick(t, m)
		})
	}
}

func TestAForeignPublicKeyInTheDatabaseIsNotVouchedFor(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	planted := st.signing[0]
	planted.KID, planted.Predecessor = "foreign", st.signing[0].KID
	planted.PublicJWK = []byte(`{"kty":"EC","kid":"foreign"}`)
	planted.ActiveAt = c.Now().Add(time.Hour)
	st.signing = append(st.signing, planted)
	st.signing[0].PublicJWK = planted.PublicJWK
	if err := m.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(m.JWKS().Body), "foreign") {
		t.Errorf("the JWKS has it: %s", m.JWKS().Body)
	}
	if _, ok := m.Public("foreign"); ok {
		t.Error("it verifies")
	}
	if _, err := m.Rotate(t.Context(), by()); err == nil {
		t.Error("a rotation brings it forward")
	}
}

func TestKeysThatVanishAreKeptInMemory(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	st.signing = nil
	if err := m.Reload(t.Context()); err == nil {
		t.Error("an empty set is taken in")
	}
	if m.Ready() != nil || len(m.JWKS().Body) == 0 {
		t.Error("it does not go on with what it had")
	}
}

func TestCountByState(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	if got := m.CountByState(); len(got) != 0 {
		t.Errorf("counts before Load = %v, want none", got)
	}
	load(t, m)
	tick(t, m)
	st.down = true
	for _, step := range []struct {
		after time.Duration
		want  map[string]int
	}{
		{0, map[string]int{"active": 1, "pending": 1}},
		{24 * time.Hour, map[string]int{"retired": 1, "active": 1}},
		{16 * time.Minute, map[string]int{"active": 1}},
	} {
		c.advance(step.after)
		if diff := cmp.Diff(step.want, m.CountByState()); diff != "" {
			t.Errorf("counts (-want +got): %s", diff)
		}
	}
}

func TestUseIsRecordedOnceAMinute(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	used := func() time.Time { return st.signing[0].LastUsedAt }
	flush := func(want int) {
		t.Helper()
		before := st.writes
		if err := m.FlushUse(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := st.writes - before; got != want {
			t.Errorf("%d writes, want %d", got, want)
		}
	}
	flush(0)
	if err := m.Ready(); err != nil || !used().IsZero() {
		t.Fatalf("Ready counts as a use: %v, %v", used(), err)
	}
	signerOf(t, m, keys.ES256)
	flush(1)
	if !used().Equal(c.Now()) {
		t.Errorf("last used at %v, want %v", used(), c.Now())
	}
	c.advance(59 * time.Second)
	signerOf(t, m, keys.ES256)
	flush(0)
	c.advance(time.Second)
	signerOf(t, m, keys.ES256)
	tick(t, m) // a reading keeps the recorded use
	st.down = true
	if err := m.FlushUse(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("FlushUse() = %v, want ErrUnavailable", err)
	}
	st.down = false
	flush(1)
	if !used().Equal(c.Now()) {
		t.Errorf("last used at %v, want %v", used(), c.Now())
	}
	restarted := newManager(t, st, c)
	load(t, restarted)
	signerOf(t, restarted, keys.ES256)
	m = restarted
	flush(0)
}

func TestEverythingAtOnce(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	var stop atomic.Bool
	var wg sync.WaitGroup
	for _, work := range []func(){
		func() { signerOf(t, m, keys.ES256) },
		func() {
			if len(m.JWKS().Body) == 0 {
				t.Error("an empty JWKS")
			}
		},
		func() { m.Public(signerOf(t, m, keys.ES256).KID) },
		func() { tick(t, m) },
		func() { _ = m.Reload(t.Context()) },
		func() { _ = m.FlushUse(t.Context()) },
		func() { c.advance(10 * time.Minute) },
	} {
		wg.Go(func() {
			for !stop.Load() && !t.Failed() {
				work()
			}
		})
	}
	for range 20 {
		if _, err := m.Rotate(t.Context(), by()); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	wg.Wait()
}
