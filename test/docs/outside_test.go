package docs

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTheVerifierOutside builds the API of docs/verify.md as a module of its own, beside the
// repository, with the commands of the page, and runs it.
func TestTheVerifierOutside(t *testing.T) {
	p := readPage(t, "docs/verify.md")
	source := p.under("Go")
	commands := p.under("Import it into another module")
	if len(source) == 0 || source[0].language != "go" || len(commands) != 1 || commands[0].language != "sh" {
		t.Fatal("the page has not the API and the commands")
	}
	repository, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	module := filepath.Join(dir, "orders")
	if err := os.Mkdir(module, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(repository, filepath.Join(dir, "authserver")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(module, "main.go"), []byte(source[0].text), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "sh", "-euc", "go mod init example.com/orders\n"+commands[0].text)
	command.Dir, command.Env = module, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	api := exec.CommandContext(t.Context(), filepath.Join(module, "orders"), "-listen", "127.0.0.1:0")
	stdout, err := api.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = api.Process.Kill(), api.Wait() })
	_, address, _ := strings.Cut(waitFor(t, stdout, "listening on "), "listening on ")
	answer, err := http.Get("http://" + address + "/orders")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode != http.StatusUnauthorized || answer.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("it answers %d, %v", answer.StatusCode, answer.Header)
	}
}

// TestWhatTheVerifierLinks compares the list of docs/verify.md with what is linked: others import
// the package, and have to trust what it links.
func TestWhatTheVerifierLinks(t *testing.T) {
	const format = `{{with .Module}}{{if .Main}}{{$.ImportPath}}{{else}}{{.Path}}{{end}}{{end}}`
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", format, "authserver/verifier").Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := strings.Fields(string(out))
	var listed []string
	for _, row := range readPage(t, "docs/verify.md").rows("linked") {
		listed = append(listed, row[0])
	}
	slices.Sort(linked)
	slices.Sort(listed)
	if diff := cmp.Diff(slices.Compact(linked), listed); diff != "" {
		t.Errorf("docs/verify.md lists something else (-linked +listed):\n%s", diff)
	}
}
