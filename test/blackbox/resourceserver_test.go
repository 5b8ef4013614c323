package blackbox

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"authserver/test/harness"
	"authserver/test/ports"
)

// exampleAPI builds the example of an API in Go, runs it, and returns its address.
func exampleAPI(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), exampleBinary(t), append([]string{"-listen", "127.0.0.1:0"}, args...)...)
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
	return strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
}

func exampleBinary(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "resourceserver")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../examples/resourceserver").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary
}

// startAtIssuer starts a server at the address in its issuer identifier, by which a verifier finds
// the keys.
func startAtIssuer(t *testing.T, d *harness.Deployment, scheme string) *harness.Server {
	address := ports.Address(t)
	d.Set("ISSUER", scheme+"://"+address)
	d.Set("LISTEN", address)
	return d.Start()
}

// called is an answer of the API.
type called struct {
	status     int
	body       string
	challenges []string
	header     http.Header
}

// call calls the API with a token and proofs of its key.
func call(t *testing.T, client *http.Client, api, scheme, token string, proofs ...string) called {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", scheme+" "+token)
	}
	for _, proof := range proofs {
		request.Header.Add("DPoP", proof)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return called{response.StatusCode, string(body), response.Header.Values("WWW-Authenticate"), response.Header}
}

// The example of an API in Go is built and run with a real server.
func TestExampleResourceServer(t *testing.T) {
	t.Parallel()
	d := harness.SQLite(t)
	f := register(t, d)
	s := startAtIssuer(t, d, "http")
	api := "http://" + exampleAPI(t, "-issuer", s.URL, "-audience", apiRS256) + "/orders"

	writer := f.client("writer", "--grant", "client_credentials", "--scope", "write", "--resource", apiRS256)
	harness.Eventually(t, reached, "the client is known", func() bool { return s.Token(t, writer, clientCredentials()).Status == http.StatusOK })
	for name, test := range map[string]struct {
		token  string
		status int
		fault  string // in the first challenge
	}{
		"with the scope":    {s.MustToken(t, f.batch, clientCredentials()).Text("access_token"), http.StatusOK, ""},
		"without a token":   {"", http.StatusUnauthorized, `Bearer realm="` + apiRS256 + `"`},
		"without the scope": {s.MustToken(t, writer, clientCredentials()).Text("access_token"), http.StatusForbidden, `error="insufficient_scope"`},
		"for another API":   {s.MustToken(t, f.batch, clientCredentials("resource", apiES256)).Text("access_token"), http.StatusUnauthorized, `error="invalid_token"`},
	} {
		answer := call(t, http.DefaultClient, api, "Bearer", test.token)
		if answer.status != test.status || test.fault != "" && !strings.Contains(answer.challenges[0], test.fault) {
			t.Errorf("%s it answers %d, %q, want %d, %s", name, answer.status, answer.challenges, test.status, test.fault)
		}
	}
}

// With wrong settings the example ends with a message that says what to do.
func TestExampleResourceServerSettings(t *testing.T) {
	t.Parallel()
	d := harness.SQLite(t)
	binary := exampleBinary(t)
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"a certificate without a key":      {[]string{"-tls-certificate-file", "server.pem"}, "go together"},
		"a key without a certificate":      {[]string{"-tls-key-file", "server-key.pem"}, "go together"},
		"a file without authorities":       {[]string{"-issuer-ca-file", d.File("empty.pem", "nothing")}, "no certificate in PEM"},
		"a file that is not there":         {[]string{"-issuer-ca-file", "missing.pem"}, "missing.pem"},
		"an audience that is no URL":       {[]string{"-audience", "orders"}, "set Options.BaseURL"},
		"a base URL that is none":          {[]string{"-base-url", "api.example.com"}, "base URL"},
		"an issuer by http from elsewhere": {[]string{"-issuer", "http://auth.example.com"}, "not https"},
	} {
		out, err := exec.CommandContext(t.Context(), binary, append([]string{"-listen", "127.0.0.1:0"}, test.args...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), test.want) {
			t.Errorf("%s: %v, %s, want %q", name, err, out, test.want)
		}
	}
}

func (c called) String() string { return fmt.Sprintf("%d %q %q", c.status, c.challenges, c.body) }
