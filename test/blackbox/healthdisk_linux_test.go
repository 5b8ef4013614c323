package blackbox

import (
	"net/http"
	"testing"

	"golang.org/x/sys/unix"

	"authserver/test/harness"
)

// TestAFullDiskIsNoticed prevents a running server from writing to files, as if its disk were full,
// and then allows it again.
func TestAFullDiskIsNoticed(t *testing.T) {
	t.Parallel()
	f := register(t, harness.SQLite(t))
	s := f.Start()
	isReady(t, f.Deployment, s, true)
	limit := func(bytes uint64) {
		t.Helper()
		if err := unix.Prlimit(s.Pid(), unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}, nil); err != nil {
			t.Fatal(err)
		}
	}
	limit(1)
	if answer := s.Token(t, f.web, login()); answer.Status != http.StatusServiceUnavailable {
		t.Errorf("a login is answered with %d %s", answer.Status, answer.Raw)
	}
	isReady(t, f.Deployment, s, false)
	saysOnce(t, s, "check that the database takes writes")
	limit(unix.RLIM_INFINITY)
	isReady(t, f.Deployment, s, true)
	if answer := s.Token(t, f.web, login()); answer.Status != http.StatusOK {
		t.Errorf("a login is answered with %d %s", answer.Status, answer.Raw)
	}
}
