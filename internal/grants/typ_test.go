package grants_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/trust/assertions"
)

// plain makes the tokens of a resource have typ JWT.
func (w *world) plain(id string) {
	w.Helper()
	resource, err := w.db.Resource(w.Context(), id)
	w.ok(err)
	resource.TokenTyp = "JWT"
	w.ok(w.db.UpdateResource(w.Context(), resource, storetest.By()))
}

func (w *world) typ(token string) any {
	w.Helper()
	data, err := base64.RawURLEncoding.DecodeString(token[:strings.IndexByte(token, '.')])
	w.ok(err)
	var header map[string]any
	w.ok(json.Unmarshal(data, &header))
	return header["typ"]
}

func TestTheTypeOfATokenIsItsResources(t *testing.T) {
	w := newWorld(t)
	w.plain(api)
	w.trust(func(*store.Issuer) {})
	login := w.login()
	vouched, err := w.jwtBearer.Exchange(t.Context(), w.ask(w.client("web"), "assertion", w.vouch(nil)))
	w.ok(err)
	swapped, err := w.swap("web", login.AccessToken)
	w.ok(err)
	for grant, answer := range map[string]grants.Answer{
		"password":           login,
		"client_credentials": w.exchange(w.clientCredentials, w.ask(w.client("web"))),
		"refresh_token":      w.exchange(w.refresh, w.ask(w.client("web"), "refresh_token", login.RefreshToken)),
		"jwt-bearer":         vouched,
		"token-exchange":     swapped,
	} {
		if typ := w.typ(answer.AccessToken); typ != "JWT" {
			t.Errorf("%s: typ %v", grant, typ)
		}
		w.verifyAccess(answer.AccessToken)
	}
	if typ := w.typ(w.exchange(w.clientCredentials, w.ask(w.client("web"), "resource", files)).AccessToken); typ != "at+jwt" {
		t.Errorf("typ %v of another resource", typ)
	}
	_, err = w.clientCredentials.Exchange(t.Context(), w.ask(w.client("web"), "resource", api, "resource", files))
	refused(t, err, oauth.InvalidTarget, "resources_differ")
	w.plain(files)
	both := w.exchange(w.clientCredentials, w.ask(w.client("web"), "resource", api, "resource", files))
	if typ := w.typ(both.AccessToken); typ != "JWT" {
		t.Errorf("typ %v of both", typ)
	}
}

// An access token of typ JWT looks like an assertion, but is refused as one.
func TestAnAccessTokenOfTypJWTIsNoAssertion(t *testing.T) {
	w := newWorld(t)
	w.plain(api)
	token := w.login().AccessToken
	// It is refused even if a client has this server's name and publishes this server's keys.
	at := store.At(began)
	w.ok(w.db.CreateClient(t.Context(), store.Client{
		ID: self, JWKS: w.manager.JWKS().Body, AuthMethods: []oauth.AuthMethod{oauth.AuthPrivateKeyJWT}, AssertUsers: []string{"*"},
		Grants: []oauth.GrantType{oauth.JWTBearer, oauth.ClientCredentials}, Resources: []string{api}, CreatedAt: at, UpdatedAt: at,
	}, storetest.By()))
	_, err := w.jwtBearer.Exchange(t.Context(), w.ask(w.client("web"), "assertion", token))
	if told := refused(t, err, oauth.InvalidGrant, "issuer_unknown"); !strings.Contains(told, "its iss") {
		t.Errorf("told %q", told)
	}
	// As a JWT in an exchange it is checked as an access token of this server.
	answer, err := w.swap("web", token, "subject_token_type", grants.JWTType)
	w.ok(err)
	if claims := w.verifyAccess(answer.AccessToken); claims.Subject != w.alice().ID {
		t.Errorf("it is of %s", claims.Subject)
	}
	_, err = w.swap("other", token, "subject_token_type", grants.JWTType)
	refused(t, err, oauth.InvalidRequest, "exchanged_token_refused")
	// A foreign JWT with this server's iss is not an access token either.
	forged, err := assertions.Sign("JWT", assertions.SigningKey{Key: issuerKey()}, w.verifyAccess(token).All)
	w.ok(err)
	_, err = w.swap("web", forged, "subject_token_type", grants.JWTType)
	refused(t, err, oauth.InvalidRequest, "exchanged_token_refused")
}
