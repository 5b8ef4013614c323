//go:build interop

package interop

import (
	"errors"
	"maps"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/oauth2"

	"authserver/test/harness"
	"authserver/test/ports"
)

// TestSpringLogin: Spring Security's oauth2Login signs people in, refreshes and signs out, in one
// application for both engines, and ends its sessions on the server's request.
func TestSpringLogin(t *testing.T) {
	t.Parallel()
	versions := checkTools(t)
	deployments := map[string]*harness.Deployment{"sqlite": harness.SQLite(t), "postgres": harness.PostgreSQL(t)}
	servers := map[string]*people{}
	for engine, d := range deployments {
		servers[engine] = registerPeople(t, d)
	}
	for _, boot := range bootVersions() {
		t.Run(boot, func(t *testing.T) {
			t.Parallel()
			clients := map[string]party{}
			address := ports.Address(t)
			for engine, d := range deployments {
				maps.Copy(clients, registerSpring(d, engine, boot, "http://"+address))
			}
			startSpringLogin(t, boot, versions, address, servers, clients)
			for engine, d := range deployments {
				for _, kind := range springClients() {
					registration := engine + "-" + kind
					t.Run(registration, func(t *testing.T) {
						v := servers[engine].visitor(t, "spring "+boot+" "+kind, "http://"+address)
						s := springVisitor{v, registration, clients[registration]}
						s.signInAndOut()
						s.isToldOfTheEnd(d)
					})
				}
			}
		})
	}
}

// springClients are a confidential client and a public one.
func springClients() []string { return []string{"web", "native"} }

// registerSpring registers a confidential client and a public one, and returns them by the
// names that they have in the application.
func registerSpring(d *harness.Deployment, engine, boot, base string) map[string]party {
	clients := map[string]party{}
	for _, kind := range springClients() {
		registration, flags := engine+"-"+kind, []string{}
		if kind == "native" {
			flags = append(flags, "--public")
		}
		made := d.JSON("", append([]string{"client", "create", "--id", "spring-" + boot + "-" + kind, "--grant", "authorization_code", "--grant", "refresh_token",
			"--scope", "openid", "--scope", "profile", "--scope", "email", "--redirect-uri", base + "/login/oauth2/code/" + registration,
			"--post-logout-redirect-uri", base + "/out", "--backchannel-logout-uri", base + "/logout/connect/back-channel/" + registration}, flags...)...)
		secret, _ := made["client_secret"].(string)
		clients[registration] = party{ID: "spring-" + boot + "-" + kind, Secret: secret}
	}
	return clients
}

// startSpringLogin compiles the application against a version, and starts it.
func startSpringLogin(t *testing.T, boot, tools, address string, servers map[string]*people, clients map[string]party) {
	t.Helper()
	pom := "spring/login-" + boot + "/pom.xml"
	installed := cached(t, "spring-login-"+boot, []string{pom}, tools, func(folder string) {
		copyInto(t, folder, pom)
		run(t, folder, "mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory="+filepath.Join(folder, "jars"))
	})
	jars, classes := filepath.Join(installed, "jars", "*"), t.TempDir()
	run(t, ".", "javac", briefly("-J", "-parameters", "-classpath", jars, "-d", classes, "spring/Login.java")...)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	argv := append([]string{"java"}, briefly("", "-Djava.io.tmpdir="+t.TempDir(), "-classpath", classes+string(os.PathListSeparator)+jars, "Login",
		"--server.port="+port, "--server.address="+host, "--spring.main.banner-mode=off", "--logging.level.root=warn")...)
	for engine, p := range servers {
		argv = append(argv, "--spring.security.oauth2.client.provider."+engine+".issuer-uri="+p.Issuer)
		for _, kind := range springClients() {
			registration := engine + "-" + kind
			prefix := "--spring.security.oauth2.client.registration." + registration + "."
			argv = append(argv, prefix+"provider="+engine, prefix+"scope=openid,profile,email", prefix+"client-id="+clients[registration].ID)
			if secret := clients[registration].Secret; secret != "" {
				argv = append(argv, prefix+"client-secret="+secret)
			} else {
				argv = append(argv, prefix+"client-authentication-method=none")
			}
		}
	}
	startServer(t, "http://"+address+"/out", argv...)
}

type springVisitor struct {
	visitor
	registration string
	client       party
}

// springPage is the page of the application about a person.
type springPage struct {
	IDClaims     map[string]any `json:"id_claims"`
	Userinfo     map[string]any `json:"userinfo"`
	AccessToken  string         `json:"access_token"`
	RefreshToken string         `json:"refresh_token"`
	CSRF         string         `json:"csrf"`
	CSRFName     string         `json:"csrf_name"`
	Refreshed    bool           `json:"refreshed"` // and the ID token matches that of the sign-in
}

func (s springVisitor) enter() springPage {
	s.Helper()
	if _, to := s.open("/"); to != s.base+"/login" {
		s.Fatalf("without a session the application sends the browser to %q", to)
	}
	var page springPage
	s.read(&page, "/oauth2/authorization/"+s.registration)
	if id := s.people.User.ID; page.IDClaims["sub"] != id || page.Userinfo["sub"] != id || page.Userinfo["email"] != email || page.IDClaims["sid"] == nil {
		s.Fatalf("the application knows %v and %v", page.IDClaims, page.Userinfo)
	}
	return page
}

func (s springVisitor) signInAndOut() {
	s.Helper()
	first := s.enter()
	s.wantUserinfo(first.AccessToken)
	var again springPage
	s.read(&again, "/refresh")
	if again.AccessToken == first.AccessToken || again.RefreshToken == first.RefreshToken || !again.Refreshed {
		s.Errorf("the refresh leaves %v", again)
	}
	s.wantUserinfo(again.AccessToken)
	var latest springPage
	s.read(&latest, "/")
	if body, at := s.walk("/logout", latest.CSRFName, latest.CSRF); at != "/out" || body != "signed out" {
		s.Errorf("the logout ends at %s: %s", at, body)
	}
	if s.isSignedIn() {
		s.Error("the session at the server lives on")
	}
	s.wantRefused(s.client, latest.RefreshToken)
	if _, to := s.open("/"); to != s.base+"/login" {
		s.Errorf("after the logout the application sends the browser to %q", to)
	}
}

// isToldOfTheEnd ends the session at the server, which notifies the application (OpenID Connect
// Back-Channel Logout 1.0).
func (s springVisitor) isToldOfTheEnd(d *harness.Deployment) {
	s.Helper()
	page := s.enter()
	sid, _ := page.IDClaims["sid"].(string)
	if _, stderr, code := d.Try("", "session", "revoke", "--yes", sid); code != 0 {
		s.Fatal(stderr)
	}
	harness.Eventually(s.T, programTimeout, "the application ends its session", func() bool {
		_, to := s.open("/")
		return to == s.base+"/login"
	})
}

// wantRefused requires a refresh token to be void.
func (v visitor) wantRefused(client party, refreshToken string) {
	v.Helper()
	config := &oauth2.Config{ClientID: client.ID, ClientSecret: client.Secret, Endpoint: oauth2.Endpoint{TokenURL: v.people.Issuer + "/oauth2/token"}}
	_, err := config.TokenSource(v.Context(), &oauth2.Token{RefreshToken: refreshToken}).Token()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
		v.Errorf("the refresh token of a session that ended: %v", err)
	}
}
