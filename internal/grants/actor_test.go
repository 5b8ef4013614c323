package grants_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
)

const partner = "https://partner.example.net"

// swapForeign exchanges a JWT of the issuer idp.
func (w *world) swapForeign(by string, claims map[string]any, parameters ...string) (grants.Answer, error) {
	w.Helper()
	return w.swap(by, w.vouch(claims), append(parameters, "subject_token_type", grants.JWTType)...)
}

type object = map[string]any

// RFC 8693 §4.4: each member of may_act is a claim of the party that may act.
func TestMayActNamesTheActorByEveryClaim(t *testing.T) {
	w := newWorld(t)
	w.trust(func(*store.Issuer) {})
	w.trust(func(i *store.Issuer) { i.ID, i.SubjectKind = partner, store.SubjectAny })
	ours := w.exchange(w.clientCredentials, w.ask(w.client("web"))).AccessToken
	theirs := w.vouch(object{"iss": partner, "sub": "device-7", "email": "seven@partner.example.net"})
	sibling := w.vouch(object{"sub": "bob"})
	for _, test := range []struct {
		name   string
		mayAct any
		actor  string // "": the client itself, which is web
		good   bool
	}{
		{"the client", object{"sub": "web"}, "", true},
		{"the client with its issuer", object{"sub": "web", "iss": self}, "", true},
		{"the client with its client_id", object{"sub": "web", "client_id": "web"}, "", true},
		{"another client", object{"sub": "other"}, "", false},
		{"the client's name at another issuer", object{"sub": "web", "iss": partner}, "", false},
		{"the client's name at the token's issuer", object{"sub": "web", "iss": idp}, "", false},
		{"the client with another client_id", object{"sub": "web", "client_id": "other"}, "", false},
		{"a claim that the client does not have", object{"sub": "web", "email": "web@example.com"}, "", false},
		{"a claim that no party has", object{"sub": "web", "scope": "read"}, "", false},
		{"an iss that is no text", object{"sub": "web", "iss": []any{self}}, "", false},
		{"an iss that is null", object{"sub": "web", "iss": nil}, "", false},
		{"an empty iss", object{"sub": "web", "iss": ""}, "", false},
		{"a sub that is no text", object{"sub": []any{"web"}}, "", false},
		{"a sub that is a number", object{"sub": 7}, "", false},
		{"an empty sub", object{"sub": ""}, "", false},
		{"no sub", object{"iss": self}, "", false},
		{"nothing", object{}, "", false},
		{"null", nil, "", false},
		{"a text", "web", "", false},
		{"a list", []any{object{"sub": "web"}}, "", false},
		{"true", true, "", false},
		{"our token's subject", object{"sub": "web", "iss": self}, ours, true},
		{"a foreign actor", object{"sub": "device-7", "iss": partner}, theirs, true},
		{"a foreign actor with what is known of it", object{"sub": "device-7", "iss": partner, "email": "seven@partner.example.net"}, theirs, true},
		{"a foreign actor with another address", object{"sub": "device-7", "iss": partner, "email": "eight@partner.example.net"}, theirs, false},
		{"a foreign actor's name here", object{"sub": "device-7", "iss": self}, theirs, false},
		{"a foreign actor's name at a third issuer", object{"sub": "device-7", "iss": "https://third.example"}, theirs, false},
		{"the name of an actor of another issuer, without one", object{"sub": "device-7"}, theirs, false},
		{"an actor of the same issuer, without one", object{"sub": "bob"}, sibling, true},
		{"the client where another token acts", object{"sub": "web", "iss": self}, theirs, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var acting []string
			if test.actor != "" {
				acting = []string{"actor_token", test.actor, "actor_token_type", grants.JWTType}
			}
			// vouch removes a nil claim, but JSON's null is a value.
			mayAct := test.mayAct
			if mayAct == nil {
				mayAct = (*int)(nil)
			}
			_, err := w.swapForeign("web", object{"may_act": mayAct}, acting...)
			if test.good {
				w.ok(err)
				return
			}
			refused(t, err, oauth.InvalidRequest, "actor_not_allowed")
		})
	}
	t.Run("impersonation does not pass it by", func(t *testing.T) {
		w.change("web", func(c *store.Client) { c.Impersonates = []string{"*"} })
		_, err := w.swapForeign("web", object{"may_act": object{"sub": "other"}})
		refused(t, err, oauth.InvalidRequest, "actor_not_allowed")
	})
}

// RFC 8693 §4.1: actors at another server keep their issuer.
func TestForeignActorsAreNestedWithTheirIssuer(t *testing.T) {
	w := newWorld(t)
	w.trust(func(*store.Issuer) {})
	w.change("other", func(c *store.Client) { c.Impersonates = []string{"*"} })
	deep := func(n int) any {
		var act any
		for range n {
			next := object{"sub": "a"}
			if act != nil {
				next["act"] = act
			}
			act = next
		}
		return act
	}
	for _, test := range []struct {
		name string
		by   string // other impersonates
		act  any
		want object
	}{
		{"one", "web", object{"sub": "gateway"}, object{"sub": "web", "act": object{"sub": "gateway", "iss": idp}}},
		{"one that is called as a client here", "web", object{"sub": "web"}, object{"sub": "web", "act": object{"sub": "web", "iss": idp}}},
		{"with the same issuer", "web", object{"sub": "gateway", "iss": idp}, object{"sub": "web", "act": object{"sub": "gateway", "iss": idp}}},
		{"with what else is known of it", "web", object{"sub": "gateway", "email": "g@example.com", "exp": 7}, object{"sub": "web", "act": object{"sub": "gateway", "iss": idp}}},
		{"one of a third server, within", "web", object{"sub": "gateway", "act": object{"sub": "edge", "iss": partner}},
			object{"sub": "web", "act": object{"sub": "gateway", "iss": idp, "act": object{"sub": "edge", "iss": partner}}}},
		{"where the client impersonates", "other", object{"sub": "web"}, object{"sub": "web", "iss": idp}},
		{"as many as there may be", "web", deep(3), object{"sub": "web", "act": object{"sub": "a", "iss": idp, "act": object{"sub": "a", "iss": idp, "act": object{"sub": "a", "iss": idp}}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer, err := w.swapForeign(test.by, object{"act": test.act})
			w.ok(err)
			if diff := cmp.Diff(test.want, w.verifyAccess(answer.AccessToken).All["act"]); diff != "" {
				t.Errorf("act (-want +got):\n%s", diff)
			}
		})
	}
	for _, test := range []struct {
		name, by string
		act      any
		reason   string
	}{
		{"a text", "web", "gateway", "exchanged_token_refused"},
		{"null", "web", (*int)(nil), "exchanged_token_refused"},
		{"a list", "web", []any{object{"sub": "gateway"}}, "exchanged_token_refused"},
		{"nothing", "web", object{}, "exchanged_token_refused"},
		{"nothing, where the client impersonates", "other", object{}, "exchanged_token_refused"},
		{"no sub", "web", object{"iss": idp}, "exchanged_token_refused"},
		{"a sub that is no text", "web", object{"sub": 7}, "exchanged_token_refused"},
		{"an empty sub", "web", object{"sub": ""}, "exchanged_token_refused"},
		{"an iss that is no text", "web", object{"sub": "gateway", "iss": 7}, "exchanged_token_refused"},
		{"an empty iss", "web", object{"sub": "gateway", "iss": ""}, "exchanged_token_refused"},
		{"a malformed one within", "web", object{"sub": "gateway", "act": "edge"}, "exchanged_token_refused"},
		{"null within", "web", object{"sub": "gateway", "act": nil}, "exchanged_token_refused"},
		{"a party of this server", "web", object{"sub": "other", "iss": self}, "exchanged_token_refused"},
		{"a party of this server, within", "web", object{"sub": "gateway", "act": object{"sub": "other", "iss": self}}, "exchanged_token_refused"},
		{"a third server's party that would act now", "other", object{"sub": "edge", "iss": partner}, "exchanged_token_refused"},
		{"one too many", "web", deep(4), "actors_too_many"},
		{"one too many, where the client impersonates", "other", deep(5), "actors_too_many"},
		{"very many", "web", deep(12), "actors_too_many"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := w.swapForeign(test.by, object{"act": test.act})
			refused(t, err, oauth.InvalidRequest, test.reason)
		})
	}
}

// A token for an assertion has the actor of the assertion.
func TestAnAssertionsActorIsCarriedOn(t *testing.T) {
	w := newWorld(t)
	w.trust(func(*store.Issuer) {})
	for _, test := range []struct {
		name string
		act  any
		want any // nil: it is refused
	}{
		{"one", object{"sub": "gateway"}, object{"sub": "gateway", "iss": idp}},
		{"one that is called as a client here", object{"sub": "web", "act": object{"sub": "edge", "iss": partner}},
			object{"sub": "web", "iss": idp, "act": object{"sub": "edge", "iss": partner}}},
		{"a party of this server", object{"sub": "web", "iss": self}, nil},
		{"a third server's party that would act now", object{"sub": "edge", "iss": partner}, nil},
		{"a text", "gateway", nil},
		{"nothing", object{}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer, err := w.present("web", w.vouch(object{"act": test.act}))
			if test.want == nil {
				refused(t, err, oauth.InvalidGrant, "assertion_actor")
				return
			}
			w.ok(err)
			if diff := cmp.Diff(test.want, w.verifyAccess(answer.AccessToken).All["act"]); diff != "" {
				t.Errorf("act (-want +got):\n%s", diff)
			}
		})
	}
}

// A foreign actor is distinguished from a party of this server with the same name, and must be one
// that may act.
func TestForeignActorTokens(t *testing.T) {
	w := newWorld(t)
	w.trust(func(*store.Issuer) {})
	w.trust(func(i *store.Issuer) { i.ID, i.SubjectKind = partner, store.SubjectAny })
	login := w.login().AccessToken
	acting := func(claims object) []string {
		return []string{"actor_token", w.vouch(claims), "actor_token_type", grants.JWTType}
	}
	answer, err := w.swap("web", login, acting(object{"iss": partner, "sub": "device-7"})...)
	w.ok(err)
	if diff := cmp.Diff(object{"sub": "device-7", "iss": partner}, w.verifyAccess(answer.AccessToken).All["act"]); diff != "" {
		t.Errorf("act (-want +got):\n%s", diff)
	}
	for name, claims := range map[string]object{
		"a user who is disabled here":  {"sub": "carol"},
		"a user who is not here":       {"sub": "unknown"},
		"a name that is a client here": {"iss": partner, "sub": "web"},
		"one that has expired":         {"exp": w.Now().Add(-time.Second).Unix()},
		"one that is bound to a key":   {"cnf": object{"jkt": "a key"}},
		"for another server":           {"aud": "https://elsewhere.example"},
		"with another signer's name":   {"iss": "https://evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.swap("web", login, acting(claims)...)
			if text := refused(t, err, oauth.InvalidRequest, "exchanged_token_refused"); !strings.HasPrefix(text, "actor_token") {
				t.Errorf("the answer says %q", text)
			}
		})
	}
	short, err := w.swap("web", login, acting(object{"exp": w.Now().Add(30 * time.Second).Unix()})...)
	w.ok(err)
	if short.ExpiresIn > 30*time.Second {
		t.Errorf("it lives %s, longer than the actor's token", short.ExpiresIn)
	}
}

// The bounds of an issuer's registration apply to a second exchange, and to the exchange of a token
// for an assertion.
func TestTheBoundsOfAnIssuerHoldInALaterExchange(t *testing.T) {
	w := newWorld(t)
	w.trust(func(i *store.Issuer) { i.Resources = []string{files} })
	w.change("web", func(c *store.Client) { c.Resources = []string{api, files, mail} })
	exchanged, err := w.swapForeign("web", nil)
	w.ok(err)
	bought := w.exchange(w.jwtBearer, w.ask(w.client("web"), "assertion", w.vouch(nil)))
	for from, token := range map[string]string{"an exchange": exchanged.AccessToken, "an assertion": bought.AccessToken} {
		t.Run(from, func(t *testing.T) {
			for range 2 { // the second token has the bounds of the first
				for _, resource := range []string{api, mail, self} {
					_, err := w.swap("web", token, "resource", resource)
					refused(t, err, oauth.InvalidTarget, "resource_not_allowed")
				}
				again, err := w.swap("web", token, "resource", files)
				w.ok(err)
				if got := w.verifyAccess(again.AccessToken).Audience; !slices.Equal(got, []string{files}) {
					t.Errorf("it is for %v", got)
				}
				token = again.AccessToken
			}
			_, err := w.swap("other", token)
			refused(t, err, oauth.InvalidRequest, "exchanged_token_refused")
			w.change("other", func(c *store.Client) { c.Serves = []string{files} })
			defer w.change("other", func(c *store.Client) { c.Serves = nil })
			_, err = w.swap("other", token)
			refused(t, err, oauth.InvalidTarget, "resources_disjoint")
		})
	}
	login := w.login()
	free, err := w.swap("web", login.AccessToken, "resource", mail)
	w.ok(err)
	if got := w.verifyAccess(free.AccessToken).Audience; !slices.Equal(got, []string{mail}) {
		t.Errorf("a token of a login is exchanged for %v", got)
	}
}

// A token from an exchange of a foreign token has no more than the issuer's registration allows.
func TestTheBoundsOfAnIssuerHoldInAnExchange(t *testing.T) {
	w := newWorld(t)
	w.trust(func(i *store.Issuer) { i.Resources = []string{files} })
	w.change("web", func(c *store.Client) { c.Resources = []string{api, files, mail} })
	answer, err := w.swapForeign("web", nil)
	w.ok(err)
	claims := w.verifyAccess(answer.AccessToken)
	if !slices.Equal(claims.Audience, []string{files}) || claims.All["scope"] != "read list" {
		t.Errorf("it is for %v, with %v", claims.Audience, claims.All["scope"])
	}
	for name, test := range map[string]struct {
		by         string
		claims     object
		parameters []string
		code       oauth.Code
		reason     string
	}{
		"another resource of the client":       {"web", nil, []string{"resource", api}, oauth.InvalidTarget, "resource_not_allowed"},
		"the same as an audience":              {"web", nil, []string{"audience", api}, oauth.InvalidTarget, "resource_not_allowed"},
		"one of each":                          {"web", nil, []string{"resource", files, "audience", api}, oauth.InvalidTarget, "resource_not_allowed"},
		"a client that has none of them":       {"other", nil, nil, oauth.InvalidTarget, "resources_disjoint"},
		"a scope that is the client's alone":   {"web", nil, []string{"scope", "write"}, oauth.InvalidScope, "scope_not_allowed"},
		"a scope that the token does not have": {"web", object{"scope": "list"}, []string{"scope", "read"}, oauth.InvalidScope, "scope_not_allowed"},
		"a scope that its array does not have": {"web", object{"scope": []any{"list"}}, []string{"scope", "read"}, oauth.InvalidScope, "scope_not_allowed"},
		"a scope of a token with none":         {"web", object{"scope": ""}, []string{"scope", "read"}, oauth.InvalidScope, "scope_not_allowed"},
		"a scope of a token with no array":     {"web", object{"scope": []any{}}, []string{"scope", "read"}, oauth.InvalidScope, "scope_not_allowed"},
		"a malformed scope":                    {"web", object{"scope": `a"b`}, nil, oauth.InvalidRequest, "exchanged_token_refused"},
		"a longer life than may be":            {"web", object{"exp": w.Now().Add(2 * time.Hour).Unix()}, nil, oauth.InvalidRequest, "exchanged_token_refused"},
		"no end":                               {"web", object{"exp": nil}, nil, oauth.InvalidRequest, "exchanged_token_refused"},
		"for another server":                   {"web", object{"aud": "https://elsewhere.example"}, nil, oauth.InvalidRequest, "exchanged_token_refused"},
		"a user who is disabled":               {"web", object{"sub": "carol"}, nil, oauth.InvalidRequest, "exchanged_token_refused"},
		"a user who is not here":               {"web", object{"sub": "unknown"}, nil, oauth.InvalidRequest, "exchanged_token_refused"},
		"by a public client":                   {"app", nil, nil, oauth.UnauthorizedClient, "public_client"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.swapForeign(test.by, test.claims, test.parameters...)
			refused(t, err, test.code, test.reason)
		})
	}
	t.Run("a client without a resource", func(t *testing.T) {
		w.change("other", func(c *store.Client) { c.Resources = nil })
		_, err := w.swapForeign("other", nil)
		refused(t, err, oauth.InvalidTarget, "resources_disjoint")
	})
	t.Run("an issuer that was disabled", func(t *testing.T) {
		issuer, err := w.db.Issuer(w.Context(), idp)
		w.ok(err)
		issuer.Disabled = true
		w.ok(w.db.UpdateIssuer(w.Context(), issuer, storetest.By()))
		_, err = w.swapForeign("web", nil)
		refused(t, err, oauth.InvalidRequest, "exchanged_token_refused")
	})
}

// If the skew lets a foreign token be exchanged after its end, the new token would have expired, so
// none is issued.
func TestNothingThatHasExpiredIsIssued(t *testing.T) {
	w := newWorld(t)
	w.trust(func(*store.Issuer) {})
	for _, left := range []time.Duration{-30 * time.Second, -time.Second, 0, time.Second / 2} {
		end := w.Now().Add(left)
		_, err := w.swapForeign("web", object{"exp": end.Unix()})
		refused(t, err, oauth.InvalidRequest, "exchanged_token_refused")
	}
	answer, err := w.swapForeign("web", object{"exp": w.Now().Add(3 * time.Second).Unix()})
	w.ok(err)
	if claims := w.verifyAccess(answer.AccessToken); answer.ExpiresIn < time.Second || answer.ExpiresIn > 3*time.Second || claims.ExpiresAt.After(w.Now().Add(3*time.Second)) {
		t.Errorf("it lives %s, to %s", answer.ExpiresIn, claims.ExpiresAt)
	}
	login := w.login()
	w.wait(login.ExpiresIn - time.Second/2) // into the second in which it ends
	_, err = w.swap("web", login.AccessToken)
	refused(t, err, oauth.InvalidRequest, "exchanged_token_refused")
}

// RFC 7800 §3.1: a token that is bound to a key is accepted only with the key, whether this server
// or an issuer signed it.
func TestForeignTokensThatAreBoundToAKey(t *testing.T) {
	w := newWorld(t)
	w.trust(func(*store.Issuer) {})
	key, certificate := "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"
	for _, test := range []struct {
		name   string
		cnf    any
		proved grants.Possession
		good   bool
	}{
		{"its key", object{"jkt": key}, grants.Possession{JKT: key}, true},
		{"its certificate", object{"x5t#S256": certificate}, grants.Possession{X5TS256: certificate}, true},
		{"both", object{"jkt": key, "x5t#S256": certificate}, grants.Possession{JKT: key, X5TS256: certificate}, true},
		{"no key", object{"jkt": key}, grants.Possession{}, false},
		{"another key", object{"jkt": key}, grants.Possession{JKT: certificate}, false},
		{"a certificate where it is a key", object{"jkt": key}, grants.Possession{X5TS256: key}, false},
		{"one of two", object{"jkt": key, "x5t#S256": certificate}, grants.Possession{JKT: key}, false},
		{"a key that cannot be proved here", object{"kid": "7"}, grants.Possession{JKT: "7"}, false},
		{"one that can and one that cannot", object{"jkt": key, "jwk": object{"kty": "EC"}}, grants.Possession{JKT: key}, false},
		{"a thumbprint that is empty", object{"jkt": ""}, grants.Possession{}, false},
		{"a thumbprint that is no text", object{"jkt": []any{key}}, grants.Possession{JKT: key}, false},
		{"nothing", object{}, grants.Possession{JKT: key}, false},
		{"a text", key, grants.Possession{JKT: key}, false},
		{"null", (*int)(nil), grants.Possession{JKT: key}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			exchange := w.ask(w.client("web"), "subject_token", w.vouch(object{"cnf": test.cnf}), "subject_token_type", grants.JWTType)
			bearer := w.ask(w.client("web"), "assertion", w.vouch(object{"cnf": test.cnf}))
			exchange.Possession, bearer.Possession = test.proved, test.proved
			_, exchanged := w.exchanger().Exchange(w.Context(), exchange)
			_, bought := w.jwtBearer.Exchange(w.Context(), bearer)
			if test.good {
				w.ok(exchanged)
				w.ok(bought)
				return
			}
			refused(t, exchanged, oauth.InvalidRequest, "exchanged_token_refused")
			refused(t, bought, oauth.InvalidGrant, "assertion_bound")
		})
	}
}
