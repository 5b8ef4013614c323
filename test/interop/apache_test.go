//go:build interop

package interop

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"authserver/test/harness"
	"authserver/test/ports"
)

// apacheConfig makes Apache require a sign-in at the server, with mod_auth_openidc.
const apacheConfig = `
ServerRoot %[1]s
ServerName 127.0.0.1
Listen %[2]s
PidFile %[1]s/pid
Mutex file:%[1]s
ErrorLog /dev/stderr
LogLevel warn
LoadModule mpm_event_module %[3]s/mod_mpm_event.so
LoadModule authn_core_module %[3]s/mod_authn_core.so
LoadModule authz_core_module %[3]s/mod_authz_core.so
LoadModule authz_user_module %[3]s/mod_authz_user.so
LoadModule dir_module %[3]s/mod_dir.so
LoadModule auth_openidc_module %[3]s/mod_auth_openidc.so
DocumentRoot %[1]s/pages
DirectoryIndex index.html
OIDCProviderMetadataURL %[4]s/.well-known/openid-configuration
OIDCClientID apache
OIDCClientSecret %[5]s
OIDCRedirectURI http://%[2]s/inside/callback
OIDCCryptoPassphrase a-passphrase-of-this-test
OIDCScope "openid profile email"
OIDCPKCEMethod S256
OIDCRemoteUserClaim email
OIDCInfoHook access_token id_token userinfo session
%[6]s
<Location /inside>
  AuthType openid-connect
  Require user %[7]s
</Location>
`

// TestApache: Apache's mod_auth_openidc signs a person in, shows the claims of userinfo, refreshes
// and signs out.
func TestApache(t *testing.T) {
	program, modules := apacheProgram(t)
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		p := registerPeople(t, d)
		address := ports.Address(t)
		made := d.JSON("", "client", "create", "--id", "apache", "--grant", "authorization_code", "--grant", "refresh_token",
			"--scope", "openid", "--scope", "profile", "--scope", "email", "--redirect-uri", "http://"+address+"/inside/callback",
			"--post-logout-redirect-uri", "http://"+address+"/out.html")
		folder, err := os.MkdirTemp("", "apache") // Apache may run as another account than the test
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(folder) }) // after Apache has ended
		if err := os.MkdirAll(filepath.Join(folder, "pages", "inside"), 0o755); err != nil {
			t.Fatal(err)
		}
		account := ""
		if os.Geteuid() == 0 { // Apache refuses to serve as root
			account = "User #65534\nGroup #65534"
			if err := os.Chmod(folder, 0o711); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range map[string]string{
			"pages/inside/index.html": "welcome inside", "pages/out.html": "signed out",
			"httpd.conf": fmt.Sprintf(apacheConfig, folder, address, modules, p.Issuer, made["client_secret"], account, email),
		} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		startApache(t, program, filepath.Join(folder, "httpd.conf"), "http://"+address)
		a := apacheVisitor{p.visitor(t, "apache", "http://"+address)}
		a.enter()
		info := a.info()
		if info.Userinfo["sub"] != p.User.ID || info.Userinfo["email"] != email {
			t.Errorf("userinfo is %v", info.Userinfo)
		}
		_, to := a.open("/inside/callback?" + url.Values{"refresh": {"http://" + address + "/inside/"}, "access_token": {info.AccessToken}}.Encode())
		if to != "http://"+address+"/inside/" {
			t.Errorf("the refresh ends at %q", to)
		}
		if again := a.info(); again.AccessToken == info.AccessToken || again.AccessToken == "" {
			t.Error("the access token is the old one")
		}
		_, to = a.open("/inside/callback?" + url.Values{"logout": {"http://" + address + "/out.html"}}.Encode())
		if p.browse(t, a.name, to).Sent(t, "http://"+address+"/out.html"); t.Failed() {
			return
		}
		_, to = a.open("/inside/")
		if !strings.HasPrefix(to, p.Issuer+"/oauth2/authorize?") {
			t.Errorf("after the logout Apache sends the browser to %q", to)
		}
	})
}

// apacheProgram returns the paths of Apache and its modules.
func apacheProgram(t *testing.T) (program, modules string) {
	t.Helper()
	for _, name := range []string{"apache2", "/usr/sbin/apache2", "httpd", "/usr/sbin/httpd"} {
		found, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		for _, folder := range []string{"/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules"} {
			if _, err := os.Stat(filepath.Join(folder, "mod_auth_openidc.so")); err == nil {
				return found, folder
			}
		}
	}
	t.Fatal("there is no Apache with mod_auth_openidc: sh test/install/install.sh apache")
	return "", ""
}

// startApache starts Apache, and waits until it answers.
func startApache(t *testing.T, program, config, address string) {
	t.Helper()
	apache := exec.Command(program, "-X", "-f", config)
	var log strings.Builder
	apache.Stdout, apache.Stderr = &log, &log
	if err := apache.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = apache.Process.Signal(syscall.SIGTERM) // so that it frees its shared memory
		late := time.AfterFunc(time.Minute, func() { _ = apache.Process.Kill() })
		_ = apache.Wait() // the test has ended it
		late.Stop()
		if t.Failed() {
			t.Logf("the log of Apache:\n%s", log.String())
		}
	})
	harness.Eventually(t, time.Minute, "Apache answers", func() bool {
		response, err := http.Get(address + "/out.html")
		if err == nil {
			_ = response.Body.Close() // only the answer itself matters
		}
		return err == nil
	})
}

type apacheVisitor struct{ visitor }

// enter opens a page that requires a sign-in.
func (a apacheVisitor) enter() {
	a.Helper()
	_, to := a.open("/inside/")
	back := a.people.browse(a.T, a.name, to)
	back.Sent(a.T, a.base+"/inside/callback?code=")
	if _, to = a.open(back.Left.RequestURI()); to != a.base+"/inside/" {
		a.Fatalf("the sign-in ends at %q", to)
	}
	if body, _ := a.open("/inside/"); body != "welcome inside" {
		a.Fatalf("inside is %q", body)
	}
}

// apacheInfo is the information of Apache about the session.
type apacheInfo struct {
	AccessToken string `json:"access_token"`
	Userinfo    map[string]any
}

func (a apacheVisitor) info() apacheInfo {
	a.Helper()
	body, _ := a.open("/inside/callback?info=json")
	var info apacheInfo
	if err := json.Unmarshal([]byte(body), &info); err != nil {
		a.Fatalf("%v: %s", err, body)
	}
	return info
}
