package keys_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"authserver/internal/keys"
	"authserver/internal/store"
)

func TestAnAlgorithmThatIsAddedWaitsForVerifiers(t *testing.T) {
	st, c := &memory{}, newClock()
	before := newManager(t, st, c)
	load(t, before)
	m := newManager(t, st, c)
	st.resources = []string{keys.ES256, keys.ES384, keys.EdDSA}
	added := c.Now()
	load(t, m)
	step := func(signs bool) {
		t.Helper()
		tick(t, m)
		if err := m.Ready(); err != nil {
			t.Errorf("it is not ready: %v", err)
		}
		signerOf(t, m, keys.ES256)
		for _, alg := range []string{keys.ES384, keys.EdDSA} {
			s, err := m.Signer(alg)
			if (err == nil) != signs {
				t.Errorf("%s signs: %v, want %v", alg, err, signs)
			}
			if err == nil && s.Alg != alg {
				t.Errorf("%s is signed with %s", alg, s.Alg)
			}
		}
		if n := strings.Count(string(m.JWKS().Body), `"kid"`); n < 4 { // two of ES256
			t.Errorf("%d keys are published", n)
		}
	}
	step(false)
	signsFrom := func(alg string, want time.Time) {
		t.Helper()
		if at, there, err := m.SignsFrom(t.Context(), alg); err != nil || !there || !at.Equal(want) {
			t.Errorf("%s signs from %v on (%v, %v), want %v", alg, at, there, err, want)
		}
	}
	signsFrom(keys.ES256, added)
	signsFrom(keys.EdDSA, added.Add(timeline().Lead()))
	if _, there, err := m.SignsFrom(t.Context(), keys.PS256); err != nil || there {
		t.Errorf("there is a key of an algorithm that no server wants: %v", err)
	}
	var notYet *keys.NotActiveError
	if _, err := m.Signer(keys.EdDSA); !errors.As(err, &notYet) || !notYet.At.Equal(added.Add(timeline().Lead())) {
		t.Errorf("error = %v, want one that says from when on it signs", err)
	}
	if _, err := m.Signer(keys.PS256); !errors.As(err, &notYet) || !notYet.At.IsZero() {
		t.Errorf("error = %v, want one that says that there is no key yet", err)
	}
	c.advance(timeline().Lead() - 1)
	step(false)
	c.advance(1)
	step(true)
	// From then on it has a successor like every other.
	if got := statesAt(t, st, c.Now()); len(got[keys.Pending]) != 3 || len(got[keys.Active]) != 3 {
		t.Errorf("states = %v, want three active keys and their successors", got)
	}
}

func TestOnAnEmptyDatabaseAllSignAtOnce(t *testing.T) {
	st, c := &memory{resources: keys.Algorithms()}, newClock()
	m := newManager(t, st, c)
	if at, there, err := m.SignsFrom(t.Context(), keys.EdDSA); err != nil || !there || !at.Equal(c.Now()) {
		t.Errorf("before there is a key it signs from %v on (%v, %v)", at, there, err)
	}
	load(t, m)
	for _, alg := range keys.Algorithms() {
		signerOf(t, m, alg)
	}
	st.down = true
	if _, _, err := m.SignsFrom(t.Context(), keys.EdDSA); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v, want ErrUnavailable", err)
	}
}

// The first key of an added algorithm is revoked before it ever signs. A replica whose clock is
// behind still has that key for a while.
func TestAFirstKeyThatIsRevokedWhilePendingIsMadeAnew(t *testing.T) {
	st, c, late := &memory{}, newClock(), newClock()
	late.advance(-timeline().ClockSkew)
	load(t, newManager(t, st, c))
	m, behind := newManager(t, st, c), newManager(t, st, late)
	for _, replica := range []*keys.Manager{m, behind} {
		st.resources = []string{keys.EdDSA}
		load(t, replica)
	}
	revoked := chain(st, keys.EdDSA)[0].KID
	c.advance(time.Minute)
	late.advance(time.Minute)
	if _, err := m.Revoke(t.Context(), by(), revoked, "it leaked"); err != nil {
		t.Fatal(err)
	}
	tick(t, m)
	next := chain(st, keys.EdDSA)[1]
	if next.Predecessor != "" || next.ActiveAt.Sub(c.Now()) != timeline().Lead() {
		t.Errorf("the next one follows %q in %v", next.Predecessor, next.ActiveAt.Sub(c.Now()))
	}
	tick(t, behind)
	for name, replica := range map[string]*keys.Manager{"a replica": m, "one whose clock is behind": behind} {
		if _, ok := replica.Public(revoked); ok || strings.Contains(string(replica.JWKS().Body), revoked) {
			t.Errorf("%s publishes the revoked key", name)
		}
		if _, ok := replica.Public(next.KID); !ok || replica.Ready() != nil {
			t.Errorf("%s does not publish the new one: %v", name, replica.Ready())
		}
	}
	c.advance(timeline().Lead())
	signerOf(t, m, keys.EdDSA)
}

// chain returns the keys of an algorithm in the order in which they were added.
func chain(st *memory, alg string) []store.SigningKey {
	var c []store.SigningKey
	for _, k := range st.signing {
		if k.Alg == alg {
			c = append(c, k)
		}
	}
	return c
}
