package pgtest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Alone starts a PostgreSQL server that no other test uses, and returns the URL of its database.
// The server ends with the test. A transaction in any database keeps all others of its server from
// freeing space on their pages, so a test that counts writes needs a server of its own, in which no
// vacuum begins by itself.
func Alone(t testing.TB) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "withpostgres")
	if out, err := exec.Command("go", "build", "-o", program, "authserver/test/withpostgres").CombinedOutput(); err != nil {
		t.Fatalf("build withpostgres: %v\n%s", err, out)
	}
	c := exec.Command(program, "--", "sh", "-c", `echo "$TEST_DATABASE_URL" && cat`)
	c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TEST_DATABASE_URL=") })
	c.Env = append(c.Env, "WITHPOSTGRES_SETTINGS="+os.Getenv("WITHPOSTGRES_SETTINGS")+" autovacuum=off")
	c.Stderr = t.Output()
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // ends cat, and with it the server
		if err := c.Wait(); err != nil {
			t.Errorf("withpostgres: %v", err)
		}
	})
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("withpostgres starts no server: %v", err)
	}
	return strings.TrimSpace(url)
}
