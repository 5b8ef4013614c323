package grants_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/testkit"
	"authserver/internal/tokens"
)

// changeUser changes alice without telling the view, like a replica whose notifications are late.
func (w *world) changeUser(change func(*store.User)) {
	w.Helper()
	u := w.alice()
	change(&u)
	w.ok(w.db.UpdateUser(w.Context(), u, storetest.By()))
}

// voidUser raises the user's NotBefore.
func voidUser(u *store.User) { u.NotBefore = u.NotBefore.Add(time.Millisecond) }

// A void token cannot be exchanged, whether the view of the revocations knows it or not.
func TestAVoidTokenIsNotExchanged(t *testing.T) {
	for _, test := range []struct {
		name     string
		void     func(w *world)
		ofClient bool
	}{
		{"its user has another password", func(w *world) { w.changeUser(voidUser) }, false},
		{"its user is disabled", func(w *world) { w.changeUser(func(u *store.User) { voidUser(u); u.Disabled = true }) }, false},
		{"its user was disabled, and is not any more", func(w *world) {
			w.changeUser(func(u *store.User) { voidUser(u); u.Disabled = true })
			w.changeUser(func(u *store.User) { u.Disabled = false })
		}, false},
		{"its user was deleted", func(w *world) {
			u := w.alice()
			w.ok(w.db.DeleteUser(w.Context(), u.ID, storetest.Voiding(w.revoker().User(&u, "test"))))
		}, false},
		{"its client was disabled", func(w *world) {
			w.change("web", func(c *store.Client) { c.NotBefore = c.NotBefore.Add(time.Millisecond) })
		}, true},
		{"its client is gone", func(w *world) {
			w.ok(w.db.DeleteClient(w.Context(), "web", storetest.Voiding(w.revoker().Client(w.client("web"), "test"))))
		}, true},
	} {
		for _, as := range []string{"subject", "actor", "subject that was exchanged before"} {
			t.Run(test.name+", "+as, func(t *testing.T) {
				w := newWorld(t)
				w.change("other", func(c *store.Client) { c.Serves = []string{api} })
				token, own := w.login().AccessToken, w.exchange(w.clientCredentials, w.ask(w.client("other"))).AccessToken
				first, err := w.swap("other", token)
				w.ok(err)
				test.void(w)
				switch as {
				case "subject":
					_, err = w.swap("other", token)
				case "actor":
					_, err = w.swap("other", own, "actor_token", token, "actor_token_type", grants.AccessTokenType)
				default:
					if _, err = w.swap("other", first.AccessToken); test.ofClient {
						w.ok(err) // it belongs to another client
						return
					}
				}
				if told := refused(t, err, oauth.InvalidRequest, "exchanged_token_refused"); !strings.Contains(told, "revoked") {
					t.Errorf("told %q", told)
				}
			})
		}
	}
}

// Revoking one access token ends only that one. A token from its exchange is valid until it
// expires, at the latest with the first one, and ends with the login (RFC 8693 requires neither).
func TestWhatWasExchangedEndsWithTheLogin(t *testing.T) {
	w := newWorld(t)
	w.change("other", func(c *store.Client) { c.Serves = []string{api} })
	login := w.login().AccessToken
	token := w.verifyAccess(login)
	exchanged, err := w.swap("other", login)
	w.ok(err)
	claims := w.verifyAccess(exchanged.AccessToken)
	w.ok(w.revoker().Token(w.Context(), "test", token.ID, token.ExpiresAt))
	if !w.revoked(token) || w.revoked(claims) || claims.ExpiresAt.After(token.ExpiresAt) {
		t.Errorf("revoked: %v, what came of it: %v", w.revoked(token), w.revoked(claims))
	}
	by := tokens.By{Actor: store.Actor{Type: store.ActorClient, ID: "web"}, Reason: "test"}
	w.ok(w.revoker().Family(w.Context(), by, token.Parsed.Family))
	if !w.revoked(claims) {
		t.Error("what came of the login outlives it")
	}
}

// The same is true for the client of a token.
func TestAVoidTokenOfAClientIsNotExchanged(t *testing.T) {
	for name, void := range map[string]func(c *store.Client){
		"disabled": func(c *store.Client) { c.Disabled, c.NotBefore = true, c.NotBefore.Add(time.Millisecond) },
		"enabled":  func(c *store.Client) { c.NotBefore = c.NotBefore.Add(time.Millisecond) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.change("other", func(c *store.Client) { c.Serves = []string{api} })
			token := w.exchange(w.clientCredentials, w.ask(w.client("web"))).AccessToken
			w.change("web", void)
			_, err := w.swap("other", token)
			refused(t, err, oauth.InvalidRequest, "exchanged_token_refused")
		})
	}
}

// A subject that only its issuer knows is not a client here. It gets nothing from a client that is
// registered under its name later.
func TestAForeignSubjectIsNoClientThatCameLater(t *testing.T) {
	w := newWorld(t)
	w.trust(func(i *store.Issuer) { i.SubjectKind = store.SubjectAny })
	foreign := w.exchange(w.jwtBearer, w.ask(w.client("web"), "assertion", w.vouch(map[string]any{"sub": "robot"}))).AccessToken
	answer, err := w.swap("web", foreign)
	w.ok(err)
	if claims := w.verifyAccess(answer.AccessToken); claims.Subject != "robot" || claims.Parsed.Subject != 0 || claims.All["roles"] != nil {
		t.Errorf("the token is %v", claims.All)
	}
	robot := *w.client("web")
	robot.ID, robot.Roles, robot.CreatedAt, robot.NotBefore = "robot", []string{"admin"}, store.At(w.Now()), store.Moment{}
	w.ok(w.db.CreateClient(w.Context(), robot, storetest.By()))
	for name, token := range map[string]string{"the first": foreign, "what it was exchanged for": answer.AccessToken} {
		if _, err := w.swap("web", token); err == nil {
			t.Errorf("%s is exchanged as a client's", name)
		}
	}
}

// When a client is registered under a name, earlier tokens with that name are void everywhere: sub
// has one meaning (RFC 9068 §5).
func TestWhatBoreAClientsNameBeforeItIsVoid(t *testing.T) {
	w := newWorld(t)
	w.trust(func(i *store.Issuer) { i.SubjectKind = store.SubjectAny })
	foreign := w.verifyAccess(w.exchange(w.jwtBearer, w.ask(w.client("web"), "assertion", w.vouch(map[string]any{"sub": "robot"}))).AccessToken)
	robot := *w.client("web")
	robot.ID, robot.CreatedAt, robot.NotBefore = "robot", store.At(w.Now()), store.Moment{}
	voids := w.revoker().Client(&robot, "client_created")
	w.ok(w.db.CreateClient(w.Context(), robot, storetest.Voiding(voids)))
	w.ok(w.view.Follow(w.Context()))
	own := w.verifyAccess(w.exchange(w.clientCredentials, w.ask(w.client("robot"))).AccessToken)
	if !w.revoked(foreign) || w.revoked(own) {
		t.Errorf("the foreign subject's token is void: %t, the client's: %t", w.revoked(foreign), w.revoked(own))
	}
	_, err := w.present("web", w.vouch(map[string]any{"sub": "robot"}))
	refused(t, err, oauth.InvalidGrant, "subject_taken")
}

// Tokens that no client asked for have the issuer's name as client_id. A client that is registered
// under that name later is not their client.
func TestAnIssuersTokenIsNoClientsThatCameLater(t *testing.T) {
	w := newWorld(t)
	w.trust(func(*store.Issuer) {})
	token := w.exchange(w.jwtBearer, w.ask(nil, "assertion", w.vouch(nil))).AccessToken
	later := *w.client("web")
	later.ID, later.CreatedAt, later.NotBefore = idp, store.At(w.Now()), store.Moment{}
	w.ok(w.db.DeleteIssuer(w.Context(), idp, storetest.By())) // frees the name
	w.ok(w.db.CreateClient(w.Context(), later, storetest.By()))
	_, err := w.swap(idp, token)
	refused(t, err, oauth.InvalidRequest, "exchanged_token_refused")
}

// A token from an exchange has the state of the first token, and is void with it.
func TestAnExchangedTokenRemembersWhatTheFirstDid(t *testing.T) {
	w := newWorld(t)
	w.change("other", func(c *store.Client) { c.Serves = []string{api} })
	stale := w.exchanger()
	stale.Users = usersAsRead{w.alice()}
	w.changeUser(voidUser)
	token := w.login().AccessToken // from another replica, under the new NotBefore
	r := w.ask(w.client("other"), "subject_token", token, "subject_token_type", grants.AccessTokenType)
	first, second := w.verifyAccess(token).Parsed, w.verifyAccess(w.exchange(stale, r).AccessToken).Parsed
	if diff := cmp.Diff(first.Subject, second.Subject); diff != "" {
		t.Errorf("the NotBefore of the subject (-first +second):\n%s", diff)
	}
}

// The same is true for a token of a family, from a replica that does not know of a change yet.
func TestARefreshedTokenRemembersWhatTheFamilyDoes(t *testing.T) {
	w := newWorld(t)
	stale := w.client("web")
	w.change("web", func(c *store.Client) { c.NotBefore = c.NotBefore.Add(time.Millisecond) })
	login := w.login()
	answer := w.exchange(w.refresh, w.ask(stale, "refresh_token", login.RefreshToken))
	first, second := w.verifyAccess(login.AccessToken).Parsed, w.verifyAccess(answer.AccessToken).Parsed
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("(-login +refresh):\n%s", diff)
	}
}

// A client that is its own issuer gets a token for the client whose keys verified the assertion,
// and not for one that has its name since then.
func TestAnAssertionIsOfTheClientWhoseKeysVerifiedIt(t *testing.T) {
	w := newWorld(t)
	w.change("web", func(c *store.Client) {
		c.AuthMethods, c.JWKS = []oauth.AuthMethod{oauth.AuthPrivateKeyJWT}, testkit.JWKS(t, testkit.JWK(t, issuerKey().Public(), nil))
	})
	before := w.client("web")
	bearer := *w.jwtBearer
	bearer.Trust.Clients = &madeAnew{Clients: w.db, between: func() {
		w.change("web", func(c *store.Client) { c.JWKS, c.NotBefore = nil, c.NotBefore.Add(time.Millisecond) })
	}}
	answer := w.exchange(&bearer, w.ask(nil, "assertion", w.vouch(map[string]any{"iss": "web", "sub": "web"})))
	if got := w.verifyAccess(answer.AccessToken).Parsed; !got.OfClient(before.NotBefore) || got.OfClient(before.NotBefore.Add(time.Millisecond)) {
		t.Error("the token is of the client that came later")
	}
}

// madeAnew changes a client after it was read.
type madeAnew struct {
	store.Clients
	between func()
}

func (m *madeAnew) Client(ctx context.Context, id string) (store.Client, error) {
	c, err := m.Clients.Client(ctx, id)
	m.between()
	return c, err
}
