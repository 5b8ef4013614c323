package blackbox

import (
	"slices"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"
)

// E3: how long a refused login takes does not tell whether the user exists.
// It runs alone: it measures time.
func TestRefusedLoginsTakeTheSameTime(t *testing.T) {
	d := harness.SQLite(t)
	f := register(t, d)
	d.Set("BCRYPT_COST", "10") // so that bcrypt is what is measured
	f.RunWith(alicePassword+"\n", "user", "update", "alice", "--password-stdin")
	f.RunWith(alicePassword+"\n", "user", "create", "--username", "disabled", "--disabled", "--password-stdin")
	s := f.Start()
	logins := map[string][2]string{
		"a wrong password":      {"alice", "wrong password"},
		"an unknown user":       {"mallory", "wrong password"},
		"a disabled user":       {"disabled", alicePassword},
		"a password too long":   {"alice", strings.Repeat("a", 100)},
		"a password too short":  {"alice", "short"},
		"a name that is no one": {"al ice", "wrong password"},
	}
	took := make(map[string][]time.Duration)
	for range 15 { // in turn, so that the machine's moods meet all of them
		for name, login := range logins {
			began := time.Now()
			answer := s.Token(t, f.web, form("grant_type", "password", "username", login[0], "password", login[1]))
			took[name] = append(took[name], time.Since(began))
			wantError(t, answer, 400, "invalid_grant")
			if got := answer.Text("error_description"); got != "the username or the password is wrong" {
				t.Errorf("%s is told apart: %s", name, got)
			}
		}
	}
	median := func(name string) time.Duration { slices.Sort(took[name]); return took[name][len(took[name])/2] }
	want := median("a wrong password")
	for name := range logins {
		if got := median(name); got < want*6/10 || got > want*16/10 {
			t.Errorf("%s takes %s, and a wrong password %s", name, got, want)
		}
	}
}
