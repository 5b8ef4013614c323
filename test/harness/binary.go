package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is the folder of the binary after the build.
var built string

var build = sync.OnceValues(func() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("", "authserver-binary-")
	if err != nil {
		return "", err
	}
	built = folder
	binary := filepath.Join(folder, "authserver")
	// Go caches the binary that `run` links, but `build` would link again for each package, which
	// takes seconds.
	command := exec.Command("go", "run", "-exec", "cp", "-tags", tags, "./cmd/authserver", binary)
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the binary: %w\n%s", err, out)
	}
	return binary, nil
})

// Binary builds the server, once for all tests of a package and with their build
// tags, and returns its path.
// [Main] removes it.
func Binary(t testing.TB) string {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// Main is the TestMain of a package that uses [Binary]. The last functions remove what the tests
// share.
func Main(m *testing.M, last ...func() error) {
	code := m.Run()
	for _, remove := range last {
		if err := remove(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	if err := os.RemoveAll(built); built != "" && err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// moduleRoot is the folder of go.mod.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(folder, "go.mod")); missing == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			return "", fmt.Errorf("no go.mod above the test")
		}
		folder = filepath.Dir(folder)
	}
	return "", err
}
