package grants_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"authserver/internal/grants"
	"authserver/internal/jose"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/testkit"
	"authserver/internal/trust/assertions"
	"authserver/internal/trust/remotekeys"
)

// cluster is a registration of idp with a key of its own.
func (w *world) cluster(id string, key *ecdsa.PrivateKey, change func(*store.Issuer)) {
	w.Helper()
	w.trust(func(i *store.Issuer) {
		i.ID, i.Iss, i.SubjectKind = id, idp, store.SubjectAny
		i.JWKS = testkit.JWKS(w, testkit.JWK(w, key.Public(), map[string]any{"kid": id}))
		change(i)
	})
}

// vouchBy is vouch with another key.
func (w *world) vouchBy(key *ecdsa.PrivateKey, changes map[string]any) string {
	w.Helper()
	claims := map[string]any{"iss": idp, "sub": "pod", "aud": self, "iat": w.Now().Unix(), "exp": w.Now().Unix() + 300, "jti": rand.Text()}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return must(assertions.Sign("JWT", assertions.SigningKey{Key: key}, claims))
}

func newClusterKey() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

// Two clusters have the same issuer: the key that verifies decides which registration applies, and
// everything else comes from that registration.
func TestRegistrationsThatShareAnIss(t *testing.T) {
	w := newWorld(t)
	a, b, stranger := newClusterKey(), newClusterKey(), newClusterKey()
	w.cluster("cluster-a", a, func(i *store.Issuer) {
		i.Scopes, i.Patterns = oauth.Scope{"read"}, []store.ClaimPattern{{"sub": "po*"}}
	})
	w.cluster("cluster-b", b, func(i *store.Issuer) {
		i.Scopes, i.Resources, i.ClientID = oauth.Scope{"list"}, []string{files}, "web"
	})
	for _, test := range []struct {
		name, by   string
		key        *ecdsa.PrivateKey
		claims     map[string]any
		parameters []string
		client     string // of the token
		scope      string
		code       oauth.Code
		reason     string
	}{
		{name: "of the first", key: a, client: "cluster-a", scope: "read"},
		{name: "of the second", key: b, client: "web", scope: "list"},
		{name: "of the first, beside a client", by: "other", key: a, client: "other", scope: "read"},
		{name: "of the first, with the scope of the second", key: a, parameters: []string{"scope", "list"}, code: oauth.InvalidScope, reason: "scope_not_allowed"},
		{name: "of the second, with the resource of the first", key: b, parameters: []string{"resource", api}, code: oauth.InvalidTarget, reason: "resource_not_allowed"},
		{name: "of the first, about whom the second alone may speak", key: a, claims: map[string]any{"sub": "node"}, code: oauth.InvalidGrant, reason: "assertion_refused"},
		{name: "of the second, about the same", key: b, claims: map[string]any{"sub": "node"}, client: "web", scope: "list"},
		{name: "of no issuer", key: stranger, code: oauth.InvalidGrant, reason: "assertion_refused"},
		{name: "of the first under the name of its registration", key: a, claims: map[string]any{"iss": "cluster-a"}, code: oauth.InvalidGrant, reason: "issuer_unknown"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer, err := w.present(test.by, w.vouchBy(test.key, test.claims), test.parameters...)
			if test.code != "" {
				refused(t, err, test.code, test.reason)
				return
			}
			w.ok(err)
			if claims := w.verifyAccess(answer.AccessToken); claims.ClientID != test.client || answer.Scope.String() != test.scope {
				t.Errorf("the token is of %s, for %q", claims.ClientID, answer.Scope)
			}
		})
	}
	t.Run("a jti is good once for each", func(t *testing.T) {
		same := map[string]any{"jti": "1"}
		for _, key := range []*ecdsa.PrivateKey{a, b} {
			_, err := w.present("", w.vouchBy(key, same))
			w.ok(err)
			_, err = w.present("", w.vouchBy(key, same))
			refused(t, err, oauth.InvalidGrant, "assertion_replayed")
		}
	})
	t.Run("in an exchange", func(t *testing.T) {
		answer, err := w.swap("web", w.vouchBy(b, nil), "subject_token_type", grants.JWTType)
		w.ok(err)
		if claims := w.verifyAccess(answer.AccessToken); claims.Audience[0] != files || answer.Issuer != "cluster-b" {
			t.Errorf("the token is for %v, by %s", claims.Audience, answer.Issuer)
		}
		_, err = w.swap("web", w.vouchBy(stranger, nil), "subject_token_type", grants.JWTType)
		refused(t, err, oauth.InvalidRequest, "exchanged_token_refused")
	})
	t.Run("one of them is disabled", func(t *testing.T) {
		w.changeIssuer("cluster-b", func(i *store.Issuer) { i.Disabled = true })
		_, err := w.present("", w.vouchBy(b, nil))
		refused(t, err, oauth.InvalidGrant, "assertion_refused")
		_, err = w.present("", w.vouchBy(a, nil))
		w.ok(err)
		w.changeIssuer("cluster-a", func(i *store.Issuer) { i.Disabled = true })
		_, err = w.present("", w.vouchBy(a, nil))
		refused(t, err, oauth.InvalidGrant, "issuer_unknown")
	})
}

func (w *world) changeIssuer(id string, change func(*store.Issuer)) {
	w.Helper()
	i, err := w.db.Issuer(w.Context(), id)
	w.ok(err)
	change(&i)
	w.ok(w.db.UpdateIssuer(w.Context(), i, storetest.By(), w.siblings(i)...))
}

// Only the key distinguishes registrations: if two have the same key, neither applies.
func TestAKeyOfTwoRegistrations(t *testing.T) {
	w := newWorld(t)
	a, b := newClusterKey(), newClusterKey()
	w.cluster("cluster-a", a, func(*store.Issuer) {})
	w.cluster("cluster-b", b, func(i *store.Issuer) {
		i.JWKS = testkit.JWKS(t, testkit.JWK(t, b.Public(), nil), testkit.JWK(t, a.Public(), nil))
	})
	_, err := w.present("", w.vouchBy(a, nil))
	if text := refused(t, err, oauth.InvalidGrant, "assertion_refused"); !strings.Contains(text, "two registrations") {
		t.Errorf("the answer says %q", text)
	}
	_, err = w.present("", w.vouchBy(b, nil))
	w.ok(err)
}

// One registration requires that a client authenticates, and the other does not.
func TestRegistrationsThatDifferInClientAuthentication(t *testing.T) {
	w := newWorld(t)
	a, b := newClusterKey(), newClusterKey()
	w.cluster("cluster-a", a, func(i *store.Issuer) { i.ClientAuth = true })
	w.cluster("cluster-b", b, func(*store.Issuer) {})
	_, err := w.present("", w.vouchBy(a, nil))
	refused(t, err, oauth.InvalidClient, "client_auth_required")
	_, err = w.present("app", w.vouchBy(a, nil)) // this client only names itself
	refused(t, err, oauth.InvalidClient, "client_auth_required")
	_, err = w.present("", w.vouchBy(b, nil))
	w.ok(err)
	w.changeIssuer("cluster-b", func(i *store.Issuer) { i.ClientAuth = true })
	_, err = w.present("", w.vouchBy(newClusterKey(), nil)) // a key of neither registration
	refused(t, err, oauth.InvalidClient, "client_auth_required")
}

// away is a publisher of keys that is down.
type away struct{}

func (away) Keys(context.Context, remotekeys.Source, jose.Header) ([]jose.Key, error) {
	return nil, errors.New("connection refused")
}

// A cluster whose keys cannot be fetched does not affect another one.
func TestARegistrationWhoseKeysCannotBeFetched(t *testing.T) {
	w := newWorld(t)
	a, b := newClusterKey(), newClusterKey()
	w.verifier.Remote = away{}
	w.cluster("cluster-a", a, func(i *store.Issuer) { i.JWKS, i.JWKSURI = nil, "https://a.example/jwks" })
	w.cluster("cluster-b", b, func(*store.Issuer) {})
	_, err := w.present("", w.vouchBy(b, nil))
	w.ok(err)
	_, err = w.present("", w.vouchBy(a, nil))
	refused(t, err, oauth.Unavailable, "remote_keys_unavailable")
}

// If the audience of an issuer cannot be chosen, its registration names the audience.
func TestAnIssuerFixesItsAudience(t *testing.T) {
	w := newWorld(t)
	const fixed = "https://github.com/acme"
	w.trust(func(i *store.Issuer) { i.Audiences = []string{fixed, "sts"} })
	w.trust(func(i *store.Issuer) { i.ID = partner })
	for _, test := range []struct {
		iss  string
		aud  any
		good bool
	}{
		{idp, fixed, true},
		{idp, "sts", true},
		{idp, self, true},
		{idp, []any{fixed, "sts"}, true},
		{idp, []any{fixed, self}, true},
		{idp, []any{fixed, "https://stranger.example"}, false},
		{idp, "https://github.com/acme/", false},
		{idp, "https://github.com", false},
		{idp, "", false},
		{idp, []any{}, false},
		{idp, nil, false},
		{partner, fixed, false},
		{partner, self, true},
	} {
		_, err := w.present("web", w.vouch(map[string]any{"iss": test.iss, "aud": test.aud}))
		_, exchanged := w.swapForeign("web", map[string]any{"iss": test.iss, "aud": test.aud})
		if test.good {
			w.ok(err)
			w.ok(exchanged)
			continue
		}
		refused(t, err, oauth.InvalidGrant, "assertion_refused")
		refused(t, exchanged, oauth.InvalidRequest, "exchanged_token_refused")
	}
}

// An assertion that was used up cannot be exchanged as a token, and an exchange does not use a
// token up.
func TestAnAssertionThatWasUsedUpIsNotExchanged(t *testing.T) {
	w := newWorld(t)
	w.trust(func(*store.Issuer) {})
	w.trust(func(i *store.Issuer) { i.ID, i.AllowRepeat = partner, true })
	asSubject := []string{"subject_token_type", grants.JWTType}
	for _, claims := range []map[string]any{nil, {"jti": nil}} {
		token := w.vouch(claims)
		for range 2 {
			_, err := w.swap("web", token, asSubject...)
			w.ok(err)
		}
		_, err := w.present("web", token)
		w.ok(err)
		_, err = w.swap("web", token, asSubject...)
		refused(t, err, oauth.InvalidRequest, "exchanged_token_refused")
		_, err = w.swap("web", w.login().AccessToken, "actor_token", token, "actor_token_type", grants.JWTType)
		refused(t, err, oauth.InvalidRequest, "exchanged_token_refused")
	}
	projected := w.vouch(map[string]any{"iss": partner})
	for range 2 {
		_, err := w.present("web", projected)
		w.ok(err)
		_, err = w.swap("web", projected, asSubject...)
		w.ok(err)
	}
}

// A client may be registered to repeat the assertions that it signs as its own issuer, and no
// others.
func TestAClientMayRepeatItsAssertionsIfRegisteredSo(t *testing.T) {
	w := newWorld(t)
	set := testkit.JWKS(t, testkit.JWK(t, issuerKey().Public(), nil))
	w.change("web", func(c *store.Client) { c.AuthMethods, c.JWKS = []oauth.AuthMethod{oauth.AuthPrivateKeyJWT}, set })
	for _, claims := range []map[string]any{{"iss": "web", "sub": "web"}, {"iss": "web", "sub": "web", "jti": nil}} {
		w.change("web", func(c *store.Client) { c.AllowRepeat = true })
		assertion := w.vouch(claims)
		for range 2 {
			_, err := w.present("", assertion)
			w.ok(err)
		}
		w.change("web", func(c *store.Client) { c.AllowRepeat = false })
		_, err := w.present("", assertion)
		w.ok(err)
		_, err = w.present("", assertion)
		refused(t, err, oauth.InvalidGrant, "assertion_replayed")
	}
}
