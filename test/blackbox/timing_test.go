package blackbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"
)

// E3: the time of a refused login does not reveal whether the user exists. The test runs alone,
// because it measures time.
func TestRefusedLoginsTakeTheSameTime(t *testing.T) {
	d := harness.SQLite(t)
	f := register(t, d)
	d.Set("BCRYPT_COST", "10") // so that the test measures bcrypt
	f.RunWith(alicePassword+"\n", "user", "update", "alice", "--password-stdin")
	const rounds, fewest, disabled = 45, 11, 5
	for i := range disabled {
		f.RunWith(alicePassword+"\n", "user", "create", "--username", fmt.Sprint("disabled", i), "--disabled", "--password-stdin")
	}
	s := f.Start()
	// There are only a few failures for each name, so that no login waits because of those before.
	logins := func(round int) map[string][2]string {
		return map[string][2]string{
			"a wrong password":      {"alice", "wrong password"},
			"an unknown user":       {fmt.Sprint("mallory", round), "wrong password"},
			"a disabled user":       {fmt.Sprint("disabled", round%disabled), alicePassword},
			"a password too long":   {"alice", strings.Repeat("a", 100)},
			"a password too short":  {"alice", "short"},
			"a name that is no one": {fmt.Sprint("al ice", round), "wrong password"},
		}
	}
	took := make(map[string][]time.Duration)
	var differing []string
	for round := range rounds { // in turn, so that a slow moment of the machine affects all of them
		s.MustToken(t, f.web, form("grant_type", "password", "username", "alice", "password", alicePassword))
		for name, login := range logins(round) {
			began := time.Now()
			answer := s.Token(t, f.web, form("grant_type", "password", "username", login[0], "password", login[1]))
			took[name] = append(took[name], time.Since(began))
			wantError(t, answer, 400, "invalid_grant")
			if got := answer.Text("error_description"); got != "the username or the password is wrong" {
				t.Errorf("%s is told apart: %s", name, got)
			}
		}
		// The test compares the shortest time of each: a busy machine makes an answer late, never
		// early.
		want := slices.Min(took["a wrong password"])
		differing = nil
		for name, times := range took {
			if got := slices.Min(times); got < want*6/10 || got > want*16/10 {
				differing = append(differing, fmt.Sprintf("%s takes %s, and a wrong password %s", name, got, want))
			}
		}
		if round >= fewest && differing == nil {
			return
		}
	}
	t.Error(strings.Join(differing, "\n"))
}
