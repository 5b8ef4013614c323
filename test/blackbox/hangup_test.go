package blackbox

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"authserver/test/harness"
)

// A14: SIGHUP has files read again. It ends neither the server nor what it is working on.
// It runs alone: the login has to be met in the middle.
func TestHangup(t *testing.T) {
	f := register(t, harness.SQLite(t))
	f.Set("BCRYPT_COST", "12") // long enough to be met in the middle
	f.RunWith("curiouser-and-curiouser\n", "user", "update", "alice", "--password-stdin")
	s := f.Start()
	answers := make(chan harness.Answer, 1)
	go func() {
		answers <- s.Token(t, f.web, form("grant_type", "password", "username", "alice", "password", "curiouser-and-curiouser"))
	}()
	harness.Eventually(t, 5*time.Second, "the login is under way", func() bool {
		return strings.Contains(string(harness.Get(t, s.OpsURL+"/metrics").Raw), "authserver_password_hashes_in_flight 1")
	})
	for range 3 {
		hangUp(t, s)
	}
	if answer := <-answers; answer.Status != http.StatusOK {
		t.Errorf("the login that was under way got %d %s", answer.Status, answer.Raw)
	}
	s.MustToken(t, f.batch, clientCredentials())
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A terminal that is closed does not end a server that is tried out, either.
func TestHangupOfDev(t *testing.T) {
	t.Parallel()
	_, s := harness.Dev(t)
	hangUp(t, s)
	s.MustToken(t, harness.Credentials{ID: "demo", Secret: "demo-secret"}, clientCredentials())
}

func hangUp(t *testing.T, s *harness.Server) {
	t.Helper()
	if err := syscall.Kill(s.Pid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}
