//go:build interop

package interop

import (
	"encoding/json"
	"net/url"
	"path/filepath"
	"testing"

	"authserver/test/harness"
	"authserver/test/ports"
)

// TestAuthJS: Auth.js signs people in, refreshes and signs out, with a confidential client and with
// a public one, which reads the profile from the ID token.
func TestAuthJS(t *testing.T) {
	t.Parallel()
	modules := install(t).nodeFolder(t, "node/authjs.mjs")
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		t.Parallel()
		p := registerPeople(t, d)
		address := ports.Address(t)
		base := "http://" + address
		var clients []party
		for id, flags := range map[string][]string{"authjs-web": nil, "authjs-native": {"--public", "--id-token-scope-claims"}} {
			made := d.JSON("", append([]string{"client", "create", "--id", id, "--grant", "authorization_code", "--grant", "refresh_token",
				"--scope", "openid", "--scope", "profile", "--scope", "email", "--redirect-uri", base + "/auth/callback/" + id,
				"--post-logout-redirect-uri", base + "/out"}, flags...)...)
			secret, _ := made["client_secret"].(string)
			clients = append(clients, party{ID: id, Secret: secret})
		}
		settings, err := json.Marshal(map[string]any{"issuer": p.Issuer, "clients": clients})
		if err != nil {
			t.Fatal(err)
		}
		startServer(t, base+"/out", "node", filepath.Join(modules, "authjs.mjs"), address, string(settings))
		for _, client := range clients {
			t.Run(client.ID, func(t *testing.T) {
				a := authjsVisitor{p.visitor(t, client.ID, base)}
				first := a.signIn(client)
				a.wantUserinfo(first.AccessToken)
				again := a.post("/auth/session") // this refreshes
				if again.AccessToken == first.AccessToken || again.RefreshToken == first.RefreshToken || again.Error != "" {
					t.Errorf("the refresh leaves %v of %v", again, first)
				}
				a.wantUserinfo(again.AccessToken)
				out := url.Values{"id_token_hint": {again.IDToken}, "post_logout_redirect_uri": {base + "/out"}, "state": {"out"}}
				if body, at := a.walk("/auth/signout", "csrfToken", a.csrf(), "callbackUrl", p.Issuer+"/oauth2/logout?"+out.Encode()); at != "/out?state=out" || body != "signed out" {
					t.Errorf("the logout ends at %s: %s", at, body)
				}
				if body, _ := a.open("/auth/session"); body != "null" {
					t.Errorf("the session at the application lives on: %s", body)
				}
				if a.isSignedIn() {
					t.Error("the session at the server lives on")
				}
				a.wantRefused(client, again.RefreshToken)

				a.signIn(client) // the server asks for the password again
				d.Run("session", "revoke", "--yes", "--user", p.User.Username)
				harness.Eventually(t, programTimeout, "a refresh is refused", func() bool { return a.post("/auth/session").Error == "invalid_grant" })
			})
		}
	})
}

type authjsVisitor struct{ visitor }

// authjsSession is the information of Auth.js about a person.
type authjsSession struct {
	Profile      map[string]any `json:"profile"` // from userinfo or the ID token
	AccessToken  string         `json:"access_token"`
	RefreshToken string         `json:"refresh_token"`
	IDToken      string         `json:"id_token"`
	Error        string         `json:"error"` // of a refresh
}

func (a authjsVisitor) csrf() string {
	a.Helper()
	var token struct{ CSRFToken string }
	a.read(&token, "/auth/csrf")
	return token.CSRFToken
}

func (a authjsVisitor) post(path string) authjsSession {
	a.Helper()
	var session authjsSession
	a.read(&session, path, "csrfToken", a.csrf())
	return session
}

func (a authjsVisitor) signIn(client party) authjsSession {
	a.Helper()
	if _, at := a.walk("/auth/signin/"+client.ID, "csrfToken", a.csrf(), "callbackUrl", a.base+"/out"); at != "/out" {
		a.Fatalf("the sign-in ends at %s", at)
	}
	var session authjsSession
	a.read(&session, "/auth/session")
	if session.Profile["sub"] != a.people.User.ID || session.Profile["email"] != email {
		a.Fatalf("Auth.js knows %v", session)
	}
	return session
}
