package keys_test

import (
	"strings"
	"testing"
	"time"

	"authserver/internal/keys"
)

// At every replica, even if its clock is behind, a revoked key no longer signs or verifies, and
// another key signs instead.
func TestRevoke(t *testing.T) {
	for _, test := range []struct {
		name   string
		before func(t *testing.T, m *keys.Manager, c *clock)
		state  keys.State
	}{
		{"the active key, while the next one is pending", func(t *testing.T, m *keys.Manager, c *clock) { tick(t, m); c.advance(time.Hour) }, keys.Active},
		{"the active key, without a successor", func(*testing.T, *keys.Manager, *clock) {}, keys.Active},
		{"a pending key", func(t *testing.T, m *keys.Manager, _ *clock) { tick(t, m) }, keys.Pending},
		{"a retired key", func(t *testing.T, m *keys.Manager, c *clock) {
			if _, err := m.Rotate(t.Context(), by()); err != nil {
				t.Fatal(err)
			}
			c.advance(timeline().Lead())
		}, keys.Retired},
	} {
		t.Run(test.name, func(t *testing.T) {
			st, c, late := &memory{}, newClock(), newClock()
			server, behind, command := newManager(t, st, c), newManager(t, st, late), newManager(t, st, c)
			late.advance(-timeline().ClockSkew)
			load(t, server)
			test.before(t, server, c)
			late.advance(c.Now().Sub(late.Now()) - timeline().ClockSkew)
			load(t, behind)
			kid := statesAt(t, st, c.Now())[test.state][0]
			revoked, err := command.Revoke(t.Context(), by(), kid, "it leaked")
			if err != nil {
				t.Fatal(err)
			}
			if revoked.State != test.state || (revoked.Successor != nil) != (test.state == keys.Active) {
				t.Errorf("revoked %+v", revoked)
			}
			for name, m := range map[string]*keys.Manager{"a server": server, "one whose clock is behind": behind} {
				if err := m.Reload(t.Context()); err != nil {
					t.Fatal(err)
				}
				signer := signerOf(t, m, keys.ES256)
				if signer.KID == kid || revoked.Successor != nil && signer.KID != *revoked.Successor {
					t.Errorf("%s signs with %s", name, signer.KID)
				}
				if _, ok := m.Public(kid); ok || strings.Contains(string(m.JWKS().Body), kid) {
					t.Errorf("%s still publishes the revoked key", name)
				}
			}
			tick(t, server) // and the timeline continues
			c.advance(timeline().RotationInterval)
			tick(t, server)
			if err := server.Ready(); err != nil {
				t.Error(err)
			}
			if _, err := command.Revoke(t.Context(), by(), kid, "again"); err == nil {
				t.Error("a key is revoked twice")
			}
		})
	}
}
