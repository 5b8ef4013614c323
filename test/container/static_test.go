//go:build openssl

package container_test

import (
	"debug/elf"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"authserver/test/harness"
)

// The image has no libc, so its go build must make a binary that needs none, and that signs with a
// linked library.
func TestStaticBinary(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "authserver")
	_, build, _ := strings.Cut(goBuild(t), "GOCACHE=/go/build-cache")
	command := exec.Command("sh", "-ec", strings.ReplaceAll(build, "/rootfs/authserver", binary))
	command.Dir, command.Env = "../..", append(os.Environ(), "VERSION=1.2.3")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for _, program := range file.Progs {
		if program.Type == elf.PT_INTERP {
			t.Error("the binary is linked dynamically")
		}
	}
	d := harness.SQLite(t)
	d.Binary = binary
	if said := d.Run("version"); !strings.Contains(said, "authserver 1.2.3 ") || !strings.Contains(said, "tokens signed by OpenSSL 3") {
		t.Errorf("it says of itself: %s", said)
	}
	d.Run("migrate", "up")
	client := harness.Credentials{ID: "batch"}
	create := []string{"client", "create", "--id", client.ID, "--grant", "client_credentials", "--scope", "read"}
	resources := map[string]string{"RS256": "https://rs.example.com", "ES256": "https://es.example.com"}
	for alg, resource := range resources {
		d.Run("resource", "create", "--id", resource, "--scope", "read", "--signing-alg", alg)
		create = append(create, "--resource", resource)
	}
	client.Secret, _ = d.JSON("", create...)["client_secret"].(string)
	s := d.Start()
	for _, resource := range resources {
		answer := s.MustToken(t, client, url.Values{"grant_type": {"client_credentials"}, "resource": {resource}})
		s.Verify(t, answer.Text("access_token"), resource)
	}
	if log := s.Logs(); !strings.Contains(log, `"signer":"OpenSSL 3`) {
		t.Errorf("the log does not say what signs:\n%s", log)
	}
}

func TestMain(m *testing.M) { harness.Main(m) }
