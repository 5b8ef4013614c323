package blackbox

import (
	"net/http"
	"syscall"
	"testing"

	"authserver/test/harness"
)

// A14: on SIGHUP the server reads its files again. The signal ends neither the server nor its
// requests. The test runs alone, because the login may be held for five seconds at most.
func TestHangup(t *testing.T) {
	f := register(t, harness.SQLite(t))
	s := f.Start()
	answers, release := heldLogin(t, f, s)
	for range 3 {
		hangUp(t, s)
	}
	release()
	if answer := <-answers; answer.Status != http.StatusOK {
		t.Errorf("the login that was under way got %d %s", answer.Status, answer.Raw)
	}
	s.MustToken(t, f.batch, clientCredentials())
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// Closing a terminal does not end the server of dev either.
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
