//go:build interop

package interop

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"authserver/test/harness"
)

// mailServer is the resource of Dovecot.
const mailServer = "https://mail.example.com"

// TestDovecot: Dovecot's OAuth2 database verifies tokens by itself, with the public keys from key
// export. It accepts only typ JWT, and finds a key by a file whose name is the alg and the kid.
func TestDovecot(t *testing.T) {
	d := harness.SQLite(t)
	w := register(t, d)
	d.Run("resource", "create", "--id", mailServer, "--token-typ", "JWT", "--scope", "mail")
	app := d.JSON("", "client", "create", "--id", "webmail", "--grant", "password", "--scope", "mail", "--resource", mailServer)
	d.Run("user", "update", w.User.ID, "--claim", "email="+email)
	client := party{ID: "webmail", Secret: app["client_secret"].(string)}

	socket := dovecot(t, w.Issuer, exportKeys(t, d))
	token := w.login(t, client)
	if answer := oauthBearer(t, socket, email, token); !strings.HasPrefix(answer, "OK") || !strings.Contains(answer, "user="+email) {
		t.Errorf("its token is answered with %q", answer)
	}
	usual := w.login(t, w.Clients["RS256"])
	d.Run("resource", "update", mailServer, "--token-typ", "at+jwt")
	var other string
	harness.Eventually(t, 20*time.Second, "tokens of the other type", func() bool {
		other = w.login(t, client)
		return strings.Contains(headerOf(t, other), "at+jwt")
	})
	for name, bad := range map[string]struct{ user, token string }{
		"an altered payload":      {email, alter(t, token)},
		"an altered signature":    {email, forged(token)},
		"a token for another API": {email, usual},
		"another user's name":     {"mallory@example.com", token},
		"a token of the other type, which docs/clients.md says that it does not take": {email, other},
	} {
		if answer := oauthBearer(t, socket, bad.user, bad.token); strings.HasPrefix(answer, "OK") {
			t.Errorf("%s is answered with %q", name, answer)
		}
	}
}

// login logs the user in at a client, for its first resource.
func (w *world) login(t *testing.T, client party) string {
	t.Helper()
	config := &oauth2.Config{ClientID: client.ID, ClientSecret: client.Secret, Endpoint: oauth2.Endpoint{TokenURL: w.TokenEndpoint, AuthStyle: oauth2.AuthStyleInHeader}}
	var token string
	harness.Eventually(t, 20*time.Second, "a token of "+client.ID, func() bool {
		answer, err := config.PasswordCredentialsToken(t.Context(), w.User.Username, w.User.Password)
		if err == nil {
			token = answer.AccessToken
		}
		return err == nil
	})
	return token
}

// forged returns a token with another signature.
func forged(token string) string {
	at := strings.LastIndexByte(token, '.') + 10
	letter := "A"
	if token[at] == 'A' {
		letter = "B"
	}
	return token[:at] + letter + token[at+1:]
}

func headerOf(t *testing.T, token string) string {
	t.Helper()
	header, err := base64.RawURLEncoding.DecodeString(token[:strings.IndexByte(token, '.')])
	if err != nil {
		t.Fatal(err)
	}
	return string(header)
}

// exportKeys writes the public keys of RS256 to the files of Dovecot.
func exportKeys(t *testing.T, d *harness.Deployment) string {
	t.Helper()
	var listed []struct{ KID, Alg string }
	if err := json.Unmarshal([]byte(d.Run("key", "list", "-o", "json")), &listed); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	keys := filepath.Join(folder, "default", "RS256")
	if err := os.MkdirAll(keys, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, k := range listed {
		if k.Alg != "RS256" {
			continue
		}
		if err := os.WriteFile(filepath.Join(keys, k.KID), []byte(d.Run("key", "export", "--", k.KID)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// dovecot starts only the auth service, and returns its socket. It ends with the test.
func dovecot(t *testing.T, issuer, keys string) string {
	t.Helper()
	program, err := exec.LookPath("dovecot")
	if err != nil {
		program = "/usr/sbin/dovecot"
	}
	if out, err := exec.Command(program, "--version").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "2.3.") {
		t.Fatalf("install Dovecot 2.3, by hand or with test/install/install.sh dovecot: %v %s", err, out)
	}
	folder, err := os.MkdirTemp("", "dovecot") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	config := filepath.Join(folder, "dovecot.conf")
	write(t, config, dovecotConfig(t, folder))
	write(t, filepath.Join(folder, "oauth2.conf"), fmt.Sprintf(`introspection_mode = local
local_validation_key_dict = fs:posix:prefix=%s/
username_attribute = email
issuers = %s
client_id = %s
scope = mail
`, keys, issuer, mailServer))
	ctx, cancel := context.WithCancel(t.Context())
	var log strings.Builder
	command := foreign(ctx, program, "-F", "-c", config)
	command.Stdout, command.Stderr = &log, &log
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 10 * time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = command.Wait() // a signal ended it
		if t.Failed() {
			t.Logf("dovecot said:\n%s", log.String())
		}
	})
	socket := filepath.Join(folder, "run", "auth-client")
	harness.Eventually(t, 30*time.Second, "dovecot's socket", func() bool {
		connection, err := net.Dial("unix", socket)
		if err == nil {
			_ = connection.Close()
		}
		return err == nil
	})
	return socket
}

// dovecotConfig puts everything into one folder, and runs it under the user of the test.
func dovecotConfig(t *testing.T, folder string) string {
	t.Helper()
	who, err := osuser.Current()
	if err != nil {
		t.Fatal(err)
	}
	group, err := osuser.LookupGroupId(who.Gid)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = /dev/stderr
auth_verbose = yes
protocols =
ssl = no
default_internal_user = %[2]s
default_internal_group = %[3]s
default_login_user = %[2]s
auth_mechanisms = oauthbearer
auth_failure_delay = 0
service auth {
  chroot =
  user = %[2]s
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
passdb {
  driver = oauth2
  mechanisms = oauthbearer
  args = %[1]s/oauth2.conf
}
userdb {
  driver = static
  args = home=%[1]s
}
`, folder, who.Username, group.Name)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// oauthBearer authenticates like Dovecot's login processes, by OAUTHBEARER (RFC 7628 §3.1), and
// returns the answer: OK, FAIL, or CONT with the reason.
func oauthBearer(t *testing.T, socket, username, token string) string {
	t.Helper()
	connection, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	response := base64.StdEncoding.EncodeToString([]byte("n,a=" + username + ",\x01auth=Bearer " + token + "\x01\x01"))
	if _, err := fmt.Fprintf(connection, "VERSION\t1\t1\nCPID\t%d\nAUTH\t1\tOAUTHBEARER\tservice=imap\tresp=%s\n", os.Getpid(), response); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(connection)
	for lines.Scan() {
		switch word, _, _ := strings.Cut(lines.Text(), "\t"); word {
		case "OK", "FAIL", "CONT":
			return lines.Text()
		}
	}
	t.Fatalf("dovecot does not answer: %v", lines.Err())
	return ""
}
