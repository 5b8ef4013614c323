package keys_test

import (
	"slices"
	"testing"
	"time"

	"authserver/internal/keys"
	"authserver/internal/store"
)

// damaged returns a replica with a next key whose row can no longer be opened, and the kid.
func damaged(t *testing.T) (*keys.Manager, *memory, *clock, string) {
	t.Helper()
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	tick(t, m)
	i := slices.IndexFunc(st.signing, func(k store.SigningKey) bool { return k.Predecessor != "" })
	st.signing[i].Sealed = slices.Clone(st.signing[i].Sealed)
	st.signing[i].Sealed[40] ^= 1
	return m, st, c, st.signing[i].KID
}

func TestAKeyWhoseRowIsDamagedLivesOnInMemory(t *testing.T) {
	m, st, c, kid := damaged(t)
	served := string(m.JWKS().Body)
	if err := m.Reload(t.Context()); err != nil {
		t.Errorf("a damaged row of a key that does not sign yet is an error: %v", err)
	}
	if got := string(m.JWKS().Body); got != served {
		t.Errorf("the JWKS was %s and is %s", served, got)
	}
	c.advance(timeline().RotationInterval + time.Minute)
	if err := m.Reload(t.Context()); err != nil {
		t.Errorf("a damaged row of a key that signs keeps other changes out: %v", err)
	}
	if s := signerOf(t, m, keys.ES256); s.KID != kid || m.Ready() != nil {
		t.Errorf("%s signs, want %s: %v", s.KID, kid, m.Ready())
	}
	revoked := st.signing[0].KID
	if _, err := m.Revoke(t.Context(), by(), revoked, "drill"); err != nil {
		t.Fatal(err)
	}
	if err := m.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := m.Public(revoked); ok {
		t.Error("with a damaged row the revocation of another key is not obeyed")
	}
}

func TestARowThatCouldNotBeOpenedIsTriedAgain(t *testing.T) {
	_, st, c, kid := damaged(t)
	m := newManager(t, st, c)
	load(t, m)
	if _, ok := m.Public(kid); ok {
		t.Fatal("a damaged row is opened")
	}
	for i := range st.signing {
		if st.signing[i].KID == kid {
			st.signing[i].Sealed[40] ^= 1 // in place, so that the row has its first value again: only the data key had been missing
		}
	}
	if err := m.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := m.Public(kid); !ok {
		t.Error("the row can be opened now and is not")
	}
}
