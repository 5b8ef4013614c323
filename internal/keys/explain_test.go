package keys_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"authserver/internal/keys"
	"authserver/internal/store"
)

func TestExplain(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	load(t, m)
	first := st.signing[0].KID
	explained := func(kid, want string) {
		t.Helper()
		got, err := m.Explain(t.Context(), kid)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(want, kid); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	explained(first, "key %s (ES256) is active since 2026-03-01T12:00:00Z")
	tick(t, m)
	second := st.signing[1].KID
	explained(first, "key %s (ES256) is active since 2026-03-01T12:00:00Z, until 2026-03-02T12:00:00Z")
	explained(second, "key %s (ES256) is pending: verifiers have it since 2026-03-01T12:00:00Z, and it signs from 2026-03-02T12:00:00Z on")
	c.advance(24 * time.Hour)
	explained(first, "key %s (ES256) is retired since 2026-03-02T12:00:00Z, and stays in the JWKS until 2026-03-02T12:16:00Z, when its last token has expired")
	explained(second, "key %s (ES256) is active since 2026-03-02T12:00:00Z")
	c.advance(16 * time.Minute)
	explained(first, "key %s (ES256) was removed from the JWKS at 2026-03-02T12:16:00Z, when its last token had expired")
	if _, err := m.Revoke(t.Context(), by(), second, "it leaked"); err != nil {
		t.Fatal(err)
	}
	explained(second, "key %s (ES256) was revoked at 2026-03-02T12:16:00Z (it leaked): every token that it signed is void")
	explained("a\x1b[2Jb", `no key of this server has the kid "a\x1b[2Jb": it is another server's, or was removed more than a day ago`+"%.0s")
	st.down = true
	if _, err := m.Explain(t.Context(), first); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v, want ErrUnavailable", err)
	}
}

func TestGauges(t *testing.T) {
	st, c := &memory{}, newClock()
	m := newManager(t, st, c)
	if _, ok := m.Age(keys.ES256); ok {
		t.Error("there is an age before Load")
	}
	if _, ok := m.UntilNext(keys.ES256); ok {
		t.Error("something is planned before Load")
	}
	load(t, m)
	if d, ok := m.UntilNext(keys.ES256); ok {
		t.Errorf("something is planned in %v", d)
	}
	tick(t, m)
	st.down = true // from here on only the clock changes something
	for _, step := range []struct {
		name            string
		after, age, due time.Duration // due 0: nothing is planned
	}{
		{"the handover is due", 0, 0, 24 * time.Hour},
		{"in an hour less", time.Hour, time.Hour, 23 * time.Hour},
		{"then the removal", 23 * time.Hour, 0, 16 * time.Minute},
		{"then nothing that is known", 16 * time.Minute, 16 * time.Minute, 0},
	} {
		c.advance(step.after)
		if age, ok := m.Age(keys.ES256); !ok || age != step.age {
			t.Errorf("%s: age = %v, %v, want %v", step.name, age, ok, step.age)
		}
		if due, ok := m.UntilNext(keys.ES256); ok != (step.due != 0) || ok && due != step.due {
			t.Errorf("%s: in %v, %v, want %v", step.name, due, ok, step.due)
		}
	}
	if _, ok := m.Age(keys.RS256); ok {
		t.Error("an algorithm without a key has an age")
	}
	if _, ok := m.UntilNext(keys.RS256); ok {
		t.Error("something is planned for an algorithm without a key")
	}
}
