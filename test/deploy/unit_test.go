//go:build deploy

package deploy

import (
	"os/exec"
	"strings"
	"testing"

	"authserver/test/harness"
)

// mostExposed is the highest allowed exposure by systemd's rating, of 100; a unit without hardening
// has 96.
const mostExposed = "15"

// TestUnit: systemd finds no fault in the unit, and the service may do little.
func TestUnit(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Fatal("systemd-analyze is missing: run make test-deploy, which installs it")
	}
	unit := write(t, t.TempDir(), "authserver.service", replaced(t, "../../deploy/authserver.service", map[string]string{
		"/usr/local/bin/authserver": harness.Binary(t),
	}))
	if out, err := exec.Command("systemd-analyze", "verify", "--man=no", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold="+mostExposed, unit).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Overall exposure level") {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}
