package grants_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/tokens"
)

func TestPassword(t *testing.T) {
	w := newWorld(t)
	answer := w.login("scope", "read")
	claims, alice := w.verifyAccess(answer.AccessToken), w.alice()
	want := map[string]any{"sub": alice.ID, "client_id": "web", "aud": api, "scope": "read", "roles": []any{"admin"}, "permissions": []any{"x:y"}}
	for name, value := range want {
		if diff := cmp.Diff(value, claims.All[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	presented, err := w.codec.Decode(answer.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if presented.Generation != 1 || presented.Family != claims.Parsed.Family {
		t.Errorf("the refresh token is of %v, the access token of family %s", presented, claims.Parsed.Family)
	}
	family, err := w.db.Family(t.Context(), presented.Family)
	if err != nil {
		t.Fatal(err)
	}
	wantClient, err := w.db.Client(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	wantUser, err := w.db.User(t.Context(), alice.ID)
	if err != nil {
		t.Fatal(err)
	}
	at := store.At(began)
	wanted := store.Family{
		ID: presented.Family, ClientID: "web", UserID: alice.ID, Scope: oauth.Scope{"read"}, Resources: []string{api}, Generation: 1,
		CreatedAt: at, ClientNotBefore: wantClient.NotBefore, UserNotBefore: wantUser.NotBefore, IdleExpiresAt: at.Add(30 * time.Minute), ExpiresAt: at.Add(4 * time.Hour),
		CreatedBy: ourClock, RotatedBy: ourClock,
	}
	if diff := cmp.Diff(wanted, family); diff != "" {
		t.Errorf("family (-want +got):\n%s", diff)
	}
}

func TestPasswordNames(t *testing.T) {
	w := newWorld(t)
	for _, username := range []string{"alice", "ALICE", "\uff41lice"} { // RFC 8265 §3.3: usernames are compared after case mapping and width mapping
		answer, err := w.password.Exchange(t.Context(), w.ask(w.client("app"), "username", username, "password", secret))
		if err != nil || w.verifyAccess(answer.AccessToken).Subject != w.alice().ID {
			t.Errorf("%q: %v", username, err)
		}
	}
}

// A login begins a family only if the client may refresh.
func TestPasswordBeginsAFamilyOnlyToRefresh(t *testing.T) {
	w := newWorld(t)
	w.change("web", func(c *store.Client) { c.Grants = []oauth.GrantType{oauth.Password} })
	w.password.Families = outage{} // a call would fail
	answer := w.login()
	if answer.RefreshToken != "" || w.verifyAccess(answer.AccessToken).Parsed.Family != (store.FamilyID{}) {
		t.Error("a family was begun for a client that may not refresh")
	}
}

// An attacker who guesses learns nothing: the answer is the same to the byte, whether the user
// exists or not.
func TestPasswordRefusalsTellNothingApart(t *testing.T) {
	w := newWorld(t)
	told := make(map[string]bool)
	for _, test := range []struct{ name, username, password, reason string }{
		{"no user of that name", "mallory", secret, "user_unknown"},
		{"an email address is no username", "alice@example.com", secret, "user_unknown"},
		{"a name that no user can have", "al ice", secret, "user_unknown"},
		{"a name without end", strings.Repeat("x", 5000), secret, "user_unknown"},
		{"a wrong password", "alice", "down the rabbit hole", "password_wrong"},
		{"a password that is too long for bcrypt", "alice", strings.Repeat("x", 73), "password_wrong"},
		{"a password without end", "alice", strings.Repeat("x", 5000), "password_wrong"},
		{"a password that is too short to have been set", "alice", "short", "password_wrong"},
		{"a password with something behind", "alice", secret + "x", "password_wrong"},
		{"a password with control characters", "alice", secret + "\x01", "password_wrong"},
		{"a disabled user", "carol", secret, "user_disabled"},
		{"a disabled user and a wrong password", "carol", "down the rabbit hole", "password_wrong"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := w.password.Exchange(t.Context(), w.ask(w.client("web"), "username", test.username, "password", test.password))
			told[refused(t, err, oauth.InvalidGrant, test.reason)] = true // RFC 6749 §5.2
			if strings.Contains(err.Error(), test.password) {
				t.Errorf("the error repeats the password: %v", err)
			}
		})
	}
	if len(told) != 1 {
		t.Errorf("the answers differ: %v", told)
	}
}

func TestPasswordRefuses(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		name       string
		parameters []string
		code       oauth.Code
		reason     string
	}{
		{"no username", []string{"password", secret}, oauth.InvalidRequest, "credentials_missing"}, // RFC 6749 §4.3.2
		{"no password", []string{"username", "alice"}, oauth.InvalidRequest, "credentials_missing"},
		{"an empty password", []string{"username", "alice", "password", ""}, oauth.InvalidRequest, "credentials_missing"},
		{"a scope that the client may not have", []string{"username", "alice", "password", secret, "scope", "admin"}, oauth.InvalidScope, "scope_not_allowed"},
		{"another resource", []string{"username", "alice", "password", secret, "resource", mail}, oauth.InvalidTarget, "resource_not_allowed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := w.password.Exchange(t.Context(), w.ask(w.client("web"), test.parameters...))
			refused(t, err, test.code, test.reason)
		})
	}
}

// A refusal that does not depend on the user costs no bcrypt and reveals nothing about a user.
func TestPasswordRefusesCheaplyFirst(t *testing.T) {
	w := newWorld(t)
	w.password.Login.Users = outage{}
	_, err := w.password.Exchange(t.Context(), w.ask(w.client("web"), "username", "alice", "password", secret, "scope", "admin"))
	refused(t, err, oauth.InvalidScope, "scope_not_allowed")
	w.minter.Keys = noKeys{}
	_, err = w.password.Exchange(t.Context(), w.ask(w.client("web"), "username", "alice", "password", secret))
	if !errors.Is(err, errNoKeys) {
		t.Errorf("got %v, want that there are no keys", err)
	}
}

// noKeys is a manager whose keys cannot be used.
type noKeys struct{}

var errNoKeys = errors.New("no key is active")

func (noKeys) Signer(string) (keys.Signer, error) { return keys.Signer{}, errNoKeys }
func (noKeys) ReadyFor(string) error              { return errNoKeys }

// If a user is deleted between the comparison and the login, no family begins.
func TestPasswordOfAUserWhoIsDeletedMeanwhile(t *testing.T) {
	w := newWorld(t)
	alice := w.alice()
	w.password.Login.Users = remembered{alice}
	w.ok(w.db.DeleteUser(t.Context(), alice.ID, storetest.Voiding(w.revoker().User(&alice, "test"))))
	_, err := w.password.Exchange(t.Context(), w.ask(w.client("web"), "username", "alice", "password", secret))
	refused(t, err, oauth.InvalidGrant, "user_unknown")
}

func TestRefreshTokensOfTwoLoginsDiffer(t *testing.T) {
	w := newWorld(t)
	first, second := w.login(), w.login()
	a, errA := w.codec.Decode(first.RefreshToken)
	b, errB := w.codec.Decode(second.RefreshToken)
	if errA != nil || errB != nil || a.Family == b.Family || a == (tokens.Refresh{}) {
		t.Errorf("%v and %v (%v, %v)", a, b, errA, errB)
	}
}
