package grants_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/testkit"
	"authserver/internal/tokens"
)

// An operator finds a user's requests by the username. So the answer of every grant names the user
// for the log, even in a refusal.
func TestAnswersNameTheUser(t *testing.T) {
	w := newWorld(t)
	w.trust(func(i *store.Issuer) { i.Resources = nil })
	w.change("web", func(c *store.Client) { c.Serves = []string{api} })
	w.change("other", func(c *store.Client) {
		c.AuthMethods, c.JWKS = []oauth.AuthMethod{oauth.AuthPrivateKeyJWT}, testkit.JWKS(t, testkit.JWK(t, issuerKey().Public(), nil))
	})
	alice := w.alice()
	login := w.login()
	used := w.vouch(map[string]any{"jti": "used"})
	_, err := w.present("web", used)
	w.ok(err)
	foreign := func(claims map[string]any, parameters ...string) func() (grants.Answer, error) {
		return func() (grants.Answer, error) {
			return w.swap("web", w.vouch(claims), append([]string{"subject_token_type", grants.JWTType}, parameters...)...)
		}
	}
	own := func(parameters ...string) func() (grants.Answer, error) {
		return func() (grants.Answer, error) { return w.swap("web", login.AccessToken, parameters...) }
	}
	present := func(claims map[string]any, parameters ...string) func() (grants.Answer, error) {
		return func() (grants.Answer, error) { return w.present("", w.vouch(claims), parameters...) }
	}
	revoked := w.login().AccessToken
	w.ok(w.revoker().Token(w.Context(), "test", w.verifyAccess(revoked).ID, w.Now().Add(time.Hour)))
	bound := w.ask(w.client("web"), "username", "alice", "password", secret)
	bound.Confirmation = tokens.Confirmation{JKT: "a key"}
	boundToken := w.exchange(w.password, bound).AccessToken
	carol := map[string]any{"sub": "carol"} // a disabled user
	tests := []struct {
		name     string
		do       func() (grants.Answer, error)
		reason   string // of the refusal; "": none
		username string
	}{
		{"password", func() (grants.Answer, error) { return w.login(), nil }, "", "alice"},
		{"an assertion", present(nil), "", "alice"},
		{"an assertion that was used", func() (grants.Answer, error) { return w.present("web", used) }, "assertion_replayed", "alice"},
		{"an assertion whose act is malformed", present(map[string]any{"act": 1}), "assertion_actor", "alice"},
		{"an assertion of a disabled user", present(carol), "subject_unknown", "carol"},
		{"an assertion of a client that may not speak of the user", present(map[string]any{"iss": "other"}), "subject_not_authorised", "alice"},
		{"an assertion of no user", present(map[string]any{"sub": "unknown"}), "subject_unknown", ""},
		{"the exchange of our own token", own(), "", "alice"},
		{"the exchange of our own token for a resource that the client may not have", own("resource", mail), "resource_not_allowed", "alice"},
		{"the exchange of our own token with a broken actor", own("actor_token", "x", "actor_token_type", grants.JWTType), "exchanged_token_refused", "alice"},
		{"the exchange of our own token that was revoked", func() (grants.Answer, error) { return w.swap("web", revoked) }, "exchanged_token_refused", "alice"},
		{"the exchange of our own token that is bound to a key", func() (grants.Answer, error) { return w.swap("web", boundToken) }, "exchanged_token_refused", "alice"},
		{"the exchange of our own token by a client that it is not for", func() (grants.Answer, error) { return w.swap("other", login.AccessToken) }, "exchanged_token_refused", "alice"},
		{"the exchange of an issuer's token", foreign(nil), "", "alice"},
		{"the exchange of an issuer's token whose act is malformed", foreign(map[string]any{"act": 1}), "exchanged_token_refused", "alice"},
		{"the exchange of a disabled user's token", foreign(carol), "exchanged_token_refused", "carol"},
		{"the exchange of our own token from before another password", func() (grants.Answer, error) {
			w.changeUser(voidUser)
			return w.swap("web", login.AccessToken)
		}, "exchanged_token_refused", "alice"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, err := test.do()
			var e *oauth.Error
			if test.reason == "" {
				w.ok(err)
			} else if !errors.As(err, &e) || e.Reason != test.reason {
				t.Fatalf("got %v, want the refusal %s", err, test.reason)
			}
			if a.Username != test.username || (a.Subject == "") != (test.username == "") || test.username == "alice" && a.Subject != alice.ID {
				t.Errorf("the answer is about %q, %q, want %q", a.Subject, a.Username, test.username)
			}
			if own := strings.HasPrefix(test.name, "the exchange of our own token"); own && a.Family == (store.FamilyID{}) {
				t.Error("the answer names no family")
			}
			if err != nil && a.AccessToken != "" {
				t.Error("a refusal comes with a token")
			}
		})
	}
}
