//go:build interop

package interop

import (
	"path/filepath"
	"testing"

	"authserver/test/harness"
	"authserver/test/ports"
)

// djangoPage is the page of the Django application about a person.
type djangoPage struct {
	Email        string         `json:"email"` // of the user in Django
	IDClaims     map[string]any `json:"id_claims"`
	Userinfo     map[string]any `json:"userinfo"`
	AccessToken  string         `json:"oidc_access_token"`
	RefreshToken string         `json:"refresh_token"`
}

// TestDjango: mozilla-django-oidc signs people in and out. It uses no refresh token: it sends a
// request with prompt=none to find out whether the person is still signed in.
func TestDjango(t *testing.T) {
	t.Parallel()
	python := install(t).python
	app, err := filepath.Abs("python/djangoapp.py")
	if err != nil {
		t.Fatal(err)
	}
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		t.Parallel()
		p := registerPeople(t, d)
		address := ports.Address(t)
		made := d.JSON("", "client", "create", "--id", "django", "--grant", "authorization_code", "--grant", "refresh_token",
			"--scope", "openid", "--scope", "profile", "--scope", "email", "--redirect-uri", "http://"+address+"/oidc/callback/",
			"--post-logout-redirect-uri", "http://"+address+"/out")
		secret, _ := made["client_secret"].(string)
		startServer(t, "http://"+address+"/out", python, app, address, p.Issuer, "django", secret)
		v := p.visitor(t, "django", "http://"+address)
		enter := func(path string) djangoPage {
			t.Helper()
			var page djangoPage
			v.read(&page, path)
			if id := p.User.ID; page.IDClaims["sub"] != id || page.Userinfo["sub"] != id || page.Email != email || page.Userinfo["email_verified"] != true {
				t.Fatalf("Django knows %v", page)
			}
			v.wantUserinfo(page.AccessToken)
			return page
		}
		first := enter("/")
		again := enter("/expire")
		if again.AccessToken == first.AccessToken || again.IDClaims["sid"] != first.IDClaims["sid"] {
			t.Errorf("the server was not asked again, or of another session: %v, %v", first, again)
		}
		if body, at := v.walk("/oidc/logout/", "", ""); at != "/out?state=out" || body != "signed out" {
			t.Errorf("the logout ends at %s: %s", at, body)
		}
		if v.isSignedIn() {
			t.Error("the session at the server lives on")
		}
		v.wantRefused(party{ID: "django", Secret: secret}, again.RefreshToken)

		last := enter("/") // the server asks for the password again
		if last.IDClaims["sid"] == first.IDClaims["sid"] {
			t.Errorf("the session is the old one: %v", last)
		}
		d.Run("session", "revoke", "--yes", "--user", p.User.Username)
		if body, at := v.walk("/expire"); at != "/out" || body != "signed out" {
			t.Errorf("with the session ended at the server, Django shows %s: %s", at, body)
		}
	})
}
