package keys_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// openssl is a folder in which the real openssl makes files.
type openssl struct{ dir string }

func newOpenSSL(t *testing.T) openssl {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("openssl is missing: install the package openssl (apt-get install openssl, dnf install openssl, brew install openssl@3)")
	}
	o := openssl{t.TempDir()}
	for _, line := range []string{
		"genrsa -out rsa 2048",
		"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256",
		"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384",
		"genpkey -algorithm ed25519 -out ed",
		"req -x509 -key p256 -subj /CN=issuer.example -days 2 -out cert",
	} {
		o.run(t, line)
	}
	return o
}

// run runs openssl with the words of a line.
func (o openssl) run(t *testing.T, line string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "openssl", strings.Fields(line)...)
	command.Dir = o.dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", line, err, out)
	}
}

// makes runs each line and returns the file "out".
func (o openssl) makes(t *testing.T, lines ...string) []byte {
	t.Helper()
	for _, line := range lines {
		o.run(t, line)
	}
	return o.read(t, "out")
}

func (o openssl) read(t *testing.T, names ...string) []byte {
	t.Helper()
	var all []byte
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(o.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data...)
	}
	return all
}
