package blackbox

import (
	"bufio"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"authserver/test/harness"
)

// The example of an API in Go, built and run beside a real server.
func TestExampleResourceServer(t *testing.T) {
	d := harness.SQLite(t)
	f := register(t, d)
	// The verifier finds the keys by the issuer identifier, so that has to be where the
	// server is.
	s := f.Start()
	issuer := s.URL
	s.Stop()
	d.Set("ISSUER", issuer)
	d.Set("LISTEN", strings.TrimPrefix(issuer, "http://"))
	s = f.Start()

	binary := filepath.Join(t.TempDir(), "resourceserver")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../examples/resourceserver").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	command := exec.CommandContext(t.Context(), binary, "-listen", "127.0.0.1:0", "-issuer", issuer, "-audience", apiRS256)
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	api := "http://" + strings.TrimSpace(strings.TrimPrefix(line, "listening on ")) + "/orders"

	writer := f.client("writer", "--grant", "client_credentials", "--scope", "write", "--resource", apiRS256)
	harness.Eventually(t, promised, "the client is known", func() bool { return s.Token(t, writer, clientCredentials()).Status == http.StatusOK })
	for name, test := range map[string]struct {
		token  string
		status int
	}{
		"with the scope":    {s.MustToken(t, f.batch, clientCredentials()).Text("access_token"), http.StatusOK},
		"without a token":   {"", http.StatusUnauthorized},
		"without the scope": {s.MustToken(t, writer, clientCredentials()).Text("access_token"), http.StatusForbidden},
		"for another API":   {s.MustToken(t, f.batch, clientCredentials("resource", apiES256)).Text("access_token"), http.StatusUnauthorized},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api, nil)
		if err != nil {
			t.Fatal(err)
		}
		if test.token != "" {
			request.Header.Set("Authorization", "Bearer "+test.token)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != test.status {
			t.Errorf("%s it answers %d, want %d", name, answer.StatusCode, test.status)
		}
	}
}
