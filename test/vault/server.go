package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"authserver/test/ports"
)

// startTimeout is how long a server may take until it answers. On an idle machine it takes 0.1 s.
const startTimeout = 30 * time.Second

// Server is a running server, in memory, with TLS under an authority of its own. It has no transit
// engine yet.
type Server struct {
	URL    string
	Token  string // of root
	CACert string // file with the certificate of its authority, PEM
	client *http.Client
	kill   func()
}

// Start starts a server on a free port of loopback. It ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	binary := Install(t)
	// Another process may take the port after it was chosen.
	for range 3 {
		if s := start(t, binary); s != nil {
			return s
		}
	}
	t.Fatal("OpenBao did not start three times in a row")
	return nil
}

// start returns nil if the server ended before it answered.
func start(t testing.TB, binary string) *Server {
	t.Helper()
	folder := t.TempDir()
	address := ports.Address(t)
	s := &Server{URL: "https://" + address, Token: rand.Text(), CACert: filepath.Join(folder, "vault-ca.pem")}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var log bytes.Buffer // read only after the end
	command := exec.CommandContext(ctx, binary, "server", "-dev", "-dev-no-store-token", "-dev-tls",
		"-dev-tls-cert-dir="+folder, "-dev-listen-address="+address)
	command.Env = []string{"HOME=" + folder, "PATH=" + os.Getenv("PATH"), "BAO_DEV_ROOT_TOKEN_ID=" + s.Token}
	command.Stdout, command.Stderr = &log, &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		_ = command.Wait() // killed, as planned
		close(exited)
	}()
	s.kill = func() { cancel(); <-exited }
	t.Cleanup(s.kill)
	deadline := time.After(startTimeout)
	for {
		select {
		case <-exited:
			t.Logf("OpenBao ended:\n%s", log.String())
			return nil
		case <-deadline:
			s.kill()
			t.Fatalf("OpenBao does not answer after %s:\n%s", startTimeout, log.String())
		case <-time.After(20 * time.Millisecond):
			if s.answers() {
				return s
			}
		}
	}
}

// answers reports whether the server is unsealed. It also makes the client of the server.
func (s *Server) answers() bool {
	if s.client == nil {
		pem, err := os.ReadFile(s.CACert)
		roots := x509.NewCertPool()
		if err != nil || !roots.AppendCertsFromPEM(pem) {
			return false
		}
		s.client = &http.Client{Timeout: startTimeout, Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true,
		}}
	}
	answer, err := s.client.Get(s.URL + "/v1/sys/health")
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// Kill ends the server as a power cut does.
func (s *Server) Kill() { s.kill() }

// Call makes a call of the API as root, to a path below /v1/, with body as JSON. It fails the test
// if the answer is an error, and returns the answer otherwise.
func (s *Server) Call(t testing.TB, method, path string, body any) map[string]any {
	t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/v1/"+path, bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Vault-Token", s.Token)
	answer, err := s.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, answer.StatusCode, text)
	}
	var got map[string]any
	if len(bytes.TrimSpace(text)) > 0 {
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
	}
	return got
}

// TransitKey mounts the transit engine at mount, such as transit, and makes a key in it. It returns
// a token that may only use that key.
func (s *Server) TransitKey(t testing.TB, mount, key string) (token string) {
	t.Helper()
	s.Call(t, http.MethodPost, "sys/mounts/"+mount, map[string]any{"type": "transit"})
	s.Call(t, http.MethodPost, mount+"/keys/"+key, nil)
	policy := `path "` + mount + `/encrypt/*" { capabilities = ["update"] }
		path "` + mount + `/decrypt/*" { capabilities = ["update"] }`
	name := strings.ReplaceAll(mount, "/", "-")
	s.Call(t, http.MethodPut, "sys/policies/acl/"+name, map[string]any{"policy": policy})
	answer := s.Call(t, http.MethodPost, "auth/token/create", map[string]any{"policies": []string{name}})
	auth, _ := answer["auth"].(map[string]any)
	token, _ = auth["client_token"].(string)
	if token == "" {
		t.Fatalf("no token was made: %v", answer)
	}
	return token
}
