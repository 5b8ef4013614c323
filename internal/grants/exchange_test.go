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
	"authserver/internal/tokens"
)

func (w *world) exchanger() *grants.Exchange {
	return &grants.Exchange{
		Issuing: w.issuing(), Users: w.db, Clients: w.db, Tokens: w.accessVerifier(), Revoked: w.view, Used: w.db, Trust: w.jwtBearer.Trust,
	}
}

// swap exchanges a token. The client "other" serves the API of the token.
func (w *world) swap(by, token string, parameters ...string) (grants.Answer, error) {
	w.Helper()
	if !slices.Contains(parameters, "subject_token_type") {
		parameters = append(parameters, "subject_token_type", grants.AccessTokenType)
	}
	return w.exchanger().Exchange(w.Context(), w.ask(w.client(by), append(parameters, "subject_token", token)...))
}

func TestTokenExchange(t *testing.T) {
	w := newWorld(t)
	w.change("other", func(c *store.Client) { c.Serves, c.Scopes = []string{api}, oauth.Scope{"read", "write"} })
	login := w.login()
	answer, err := w.swap("other", login.AccessToken)
	w.ok(err)
	claims := w.verifyAccess(answer.AccessToken)
	if claims.Subject != w.alice().ID || claims.ClientID != "other" || answer.IssuedTokenType != grants.AccessTokenType || answer.RefreshToken != "" {
		t.Errorf("the answer is %+v with %v", answer, claims.All)
	}
	if diff := cmp.Diff(map[string]any{"sub": "other"}, claims.All["act"]); diff != "" {
		t.Errorf("act (-want +got):\n%s", diff)
	}
	// RFC 8693 §4.1: earlier actors are nested inside.
	w.change("web", func(c *store.Client) { c.Serves = []string{api} })
	again, err := w.swap("web", answer.AccessToken, "scope", "read")
	w.ok(err)
	if diff := cmp.Diff(map[string]any{"sub": "web", "act": map[string]any{"sub": "other"}}, w.verifyAccess(again.AccessToken).All["act"]); diff != "" {
		t.Errorf("act (-want +got):\n%s", diff)
	}
	// This is an actor's own token.
	actor := w.exchange(w.clientCredentials, w.ask(w.client("other")))
	third, err := w.swap("other", login.AccessToken, "actor_token", actor.AccessToken, "actor_token_type", grants.JWTType)
	w.ok(err)
	if act := w.verifyAccess(third.AccessToken).All["act"].(map[string]any); act["sub"] != "other" {
		t.Errorf("act is %v", act)
	}
	// The new token does not outlive the first, and ends with it.
	w.wait(14 * time.Minute)
	late, err := w.swap("other", login.AccessToken)
	w.ok(err)
	if late.ExpiresIn > time.Minute {
		t.Errorf("it lives %s longer than the token that it came from", late.ExpiresIn-time.Minute)
	}
	if w.verifyAccess(late.AccessToken).Parsed.Family != w.verifyAccess(answer.AccessToken).Parsed.Family {
		t.Error("it is of another login")
	}
}

func TestImpersonationIsNamedByAPolicy(t *testing.T) {
	w := newWorld(t)
	w.change("other", func(c *store.Client) { c.Serves, c.Impersonates = []string{api}, []string{"al*"} })
	answer, err := w.swap("other", w.login().AccessToken)
	w.ok(err)
	if act := w.verifyAccess(answer.AccessToken).All["act"]; act != nil {
		t.Errorf("act is %v", act)
	}
	w.change("other", func(c *store.Client) { c.Impersonates = []string{"bob"} })
	answer, err = w.swap("other", w.login().AccessToken)
	w.ok(err)
	if act := w.verifyAccess(answer.AccessToken).All["act"]; act == nil {
		t.Error("no actor is named")
	}
}

func TestATrustedIssuersTokenIsExchanged(t *testing.T) {
	w := newWorld(t)
	w.trust(func(*store.Issuer) {})
	token := w.vouch(nil)
	for range 2 { // a party may act for a subject more than once
		answer, err := w.swap("web", token, "subject_token_type", grants.JWTType)
		w.ok(err)
		if claims := w.verifyAccess(answer.AccessToken); claims.Subject != w.alice().ID || answer.ExpiresIn > 5*time.Minute {
			t.Errorf("the token is %v, for %s", claims.All, answer.ExpiresIn)
		}
	}
	_, err := w.swap("web", token, "subject_token_type", grants.JWTType, "scope", "write")
	refused(t, err, oauth.InvalidScope, "scope_not_allowed")
}

// An access token of this server is also a JWT.
func TestAnAccessTokenIsExchangedAsAJWT(t *testing.T) {
	w := newWorld(t)
	answer, err := w.swap("web", w.login().AccessToken, "subject_token_type", grants.JWTType)
	w.ok(err)
	if claims := w.verifyAccess(answer.AccessToken); claims.Subject != w.alice().ID {
		t.Errorf("the token is %v", claims.All)
	}
}

func TestTokenExchangeRefuses(t *testing.T) {
	w := newWorld(t)
	w.change("other", func(c *store.Client) { c.Serves, c.Scopes = []string{api}, oauth.Scope{"read", "write"} })
	login := w.login("scope", "read")
	bound := w.ask(w.client("web"))
	bound.Confirmation = tokens.Confirmation{JKT: "a key"}
	boundToken := w.exchange(w.clientCredentials, bound).AccessToken
	old := w.login().AccessToken
	for _, test := range []struct {
		name, by, token string
		parameters      []string
		code            oauth.Code
		reason, want    string
	}{
		{"by a public client", "app", login.AccessToken, nil, oauth.UnauthorizedClient, "public_client", ""},
		{"without a token", "other", "", nil, oauth.InvalidRequest, "subject_token_missing", ""},
		{"a refresh token", "web", login.RefreshToken, nil, oauth.InvalidRequest, "exchanged_token_refused", "three parts"},
		{"another type of token", "web", login.AccessToken, []string{"subject_token_type", "urn:ietf:params:oauth:token-type:saml2"}, oauth.InvalidRequest, "exchanged_token_type", ""},
		{"for another type of token", "web", login.AccessToken, []string{"requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"}, oauth.InvalidRequest, "requested_token_type", ""},
		{"half an actor", "web", login.AccessToken, []string{"actor_token", login.AccessToken}, oauth.InvalidRequest, "actor_token_incomplete", ""},
		{"an assertion without a subject", "web", w.vouch(map[string]any{"iss": "https://evil.example"}), []string{"subject_token_type", grants.JWTType}, oauth.InvalidRequest, "exchanged_token_refused", "its iss"},
		{"what is called a JWT and is none", "web", login.RefreshToken, []string{"subject_token_type", grants.JWTType}, oauth.InvalidRequest, "exchanged_token_refused", "three parts"},
		{"an access token of this server, under the name of an issuer", "web", w.vouch(map[string]any{"iss": self}), []string{"subject_token_type", grants.JWTType}, oauth.InvalidRequest, "exchanged_token_refused", "its key is not one of this server"},
		{"more scope than the token has", "other", login.AccessToken, []string{"scope", "read write"}, oauth.InvalidScope, "scope_not_allowed", ""},
		{"a resource that is not the client's", "other", login.AccessToken, []string{"resource", files}, oauth.InvalidTarget, "resource_not_allowed", ""},
		{"an audience that is not the client's", "other", login.AccessToken, []string{"audience", files}, oauth.InvalidTarget, "resource_not_allowed", ""},
		{"a token that is bound to a key", "web", boundToken, nil, oauth.InvalidRequest, "exchanged_token_refused", "bound to a key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := w.swap(test.by, test.token, test.parameters...)
			if text := refused(t, err, test.code, test.reason); !strings.Contains(text, test.want) {
				t.Errorf("the answer says %q", text)
			}
		})
	}
	w.change("other", func(c *store.Client) { c.Serves = nil })
	_, err := w.swap("other", login.AccessToken)
	refused(t, err, oauth.InvalidRequest, "exchanged_token_refused")

	for range 4 { // each acts for the one before
		answer, err := w.swap("web", old)
		w.ok(err)
		old = answer.AccessToken
	}
	_, err = w.swap("web", old)
	refused(t, err, oauth.InvalidRequest, "actors_too_many")
	w.wait(20 * time.Minute)
	_, err = w.swap("web", login.AccessToken)
	refused(t, err, oauth.InvalidRequest, "exchanged_token_refused")
}
