// Package softhsm gives a test a PKCS #11 token of its own, made by SoftHSM.
//
// It refuses to install SoftHSM: test/install/install.sh softhsm does. Start at
// [New].
package softhsm

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The label and the PIN of every token of [New].
const (
	Label = "the keys"
	PIN   = "493817"
)

// Token is a PKCS #11 token of a test.
type Token struct {
	Module string // the library
	Conf   string // the value of SOFTHSM2_CONF for a process that loads the library
}

// New makes an empty token, removed after the test.
func New(t testing.TB) Token {
	t.Helper()
	dir := t.TempDir()
	tokens := filepath.Join(dir, "tokens")
	if err := os.Mkdir(tokens, 0o700); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "softhsm2.conf")
	settings := "directories.tokendir = " + tokens + "\nobjectstore.backend = file\nlog.level = ERROR\n"
	if err := os.WriteFile(conf, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	token := Token{Module: library(t), Conf: conf}
	token.Util(t, "--init-token", "--free", "--label", Label, "--so-pin", "57721566", "--pin", PIN)
	return token
}

// Util runs softhsm2-util on the tokens of the test.
func (o Token) Util(t testing.TB, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "softhsm2-util", append([]string{"--module", o.Module}, args...)...)
	command.Env = append(os.Environ(), "SOFTHSM2_CONF="+o.Conf)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("softhsm2-util (install it with test/install/install.sh softhsm): %v\n%s", err, out)
	}
}

// library returns the path at which distributions install SoftHSM.
func library(t testing.TB) string {
	t.Helper()
	for _, pattern := range []string{
		"/usr/lib/softhsm/libsofthsm2.so",         // Debian, Alpine
		"/usr/lib/*/softhsm/libsofthsm2.so",       // Debian's multiarch
		"/usr/lib64/pkcs11/libsofthsm2.so",        // Fedora
		"/usr/lib64/softhsm/libsofthsm2.so",       // openSUSE
		"/opt/homebrew/lib/softhsm/libsofthsm2.*", // Homebrew on Apple's processors
		"/usr/local/lib/softhsm/libsofthsm2.*",    // Homebrew on Intel's, and by hand
	} {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found[0]
		}
	}
	t.Fatal("no libsofthsm2 on this machine: install it with test/install/install.sh softhsm")
	return ""
}
