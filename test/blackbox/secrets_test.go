package blackbox

import (
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"authserver/test/harness"
)

// After a full run, neither the log nor the database contains a secret, password, assertion or
// token in plain text, nor a private key.
func TestNothingSecretIsWrittenDown(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		d.Set("LOG_LEVEL", "debug")
		f := register(t, d)
		s := f.Start()
		secrets := map[string]string{
			"a password":             alicePassword,
			"a secret that was made": f.batch.Secret,
			"a brought secret":       webSecret,
			"a shared secret":        sharedSecret,
			"a wrong password":       "not-the-password-of-anybody",
			"a wrong secret":         "not-the-secret-of-any-client",
		}
		keep := func(name string, answer harness.Answer) harness.Answer {
			for _, member := range []string{"access_token", "refresh_token"} {
				if token := answer.Text(member); token != "" {
					secrets[name+"'s "+member] = token
				}
			}
			return answer
		}
		assertion := f.byKey(t, nil)
		secrets["an assertion"] = assertion
		keep("client_credentials", s.MustToken(t, f.batch, clientCredentials()))
		session := keep("password", s.MustToken(t, f.web, login()))
		keep("refresh", s.MustToken(t, f.web, refresh(session.Text("refresh_token"))))
		keep("jwt-bearer", s.MustToken(t, harness.Credentials{}, bearer(assertion)))
		wantError(t, s.Token(t, harness.Credentials{}, bearer(assertion)), http.StatusBadRequest, "invalid_grant")
		wantError(t, s.Token(t, f.web, form("grant_type", "password", "username", "alice", "password", secrets["a wrong password"])), http.StatusBadRequest, "invalid_grant")
		wantError(t, s.Token(t, harness.Credentials{ID: "web", Secret: secrets["a wrong secret"]}, clientCredentials()), http.StatusUnauthorized, "invalid_client")
		wantError(t, s.Token(t, f.web, refresh(secrets["password's refresh_token"]+"x")), http.StatusBadRequest, "invalid_grant")
		s.Active(t, f.reader, session.Text("access_token"))
		s.Post(t, "/oauth2/revoke", f.web, form("token", session.Text("access_token")))
		if code := s.Stop(); code != 0 {
			t.Fatalf("exit code %d", code)
		}

		master, err := os.ReadFile(filepath.Join(f.Dir, "master.key"))
		if err != nil {
			t.Fatal(err)
		}
		secrets["the master key"] = trim(string(master))
		for where, text := range map[string]string{"the log": s.Logs(), "the database": dump(t, f)} {
			if !strings.Contains(text, "batch") {
				t.Fatalf("%s does not even name a client: this test looks in the wrong place", where)
			}
			for what, secret := range secrets {
				for encoding, form := range map[string]string{
					"clear":     secret,
					"base64":    base64.StdEncoding.EncodeToString([]byte(secret)),
					"base64url": base64.RawURLEncoding.EncodeToString([]byte(secret)),
				} {
					if strings.Contains(text, form) {
						t.Errorf("%s holds %s in %s", where, what, encoding)
					}
				}
			}
			// These are the private members of a JWK (RFC 7518 section 6), and PEM.
			for _, private := range []string{`"d":`, `"p":`, `"q":`, `"k":`, "PRIVATE KEY"} {
				if strings.Contains(text, private) {
					t.Errorf("%s holds %s: a private key in clear", where, private)
				}
			}
		}
	})
}

// dump returns everything that the database keeps on disk or returns.
func dump(t *testing.T, f *fixture) string {
	t.Helper()
	if f.Engine == "postgres" {
		out, err := exec.Command(pgDump(), "--no-owner", f.DatabaseURL()).CombinedOutput()
		if err != nil {
			t.Fatalf("pg_dump: %v\n%s", err, out)
		}
		return string(out)
	}
	files, err := filepath.Glob(filepath.Join(f.Dir, "authserver.db*"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
	}
	return all.String()
}

// pgDump returns the path of the tool that belongs to the server, if the tests know it.
func pgDump() string {
	if folder := os.Getenv("PG_BINDIR"); folder != "" {
		return filepath.Join(folder, "pg_dump")
	}
	return "pg_dump"
}
