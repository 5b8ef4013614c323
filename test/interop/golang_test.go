//go:build interop

package interop

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	oauth2jwt "golang.org/x/oauth2/jwt"

	"authserver/test/harness"
)

const both = "read write"

// testGo drives the server with golang.org/x/oauth2 and verifies with the cached key set of jwx and
// with go-oidc, which uses go-jose.
func testGo(t *testing.T, w *world, d *harness.Deployment) {
	v := newVerifiers(t, w)
	for _, alg := range algorithms() {
		t.Run(alg+" client_credentials", func(t *testing.T) { goClientCredentials(t, w, v, alg) })
		t.Run(alg+" password and refresh_token", func(t *testing.T) { goPassword(t, w, v, alg) })
		t.Run(alg+" jwt-bearer", func(t *testing.T) { goJWTBearer(t, w, v, alg) })
		t.Run(alg+" the verifiers refuse", func(t *testing.T) { goRefusals(t, w, v, alg) })
	}
	t.Run("verifiers go on through a key rotation", func(t *testing.T) { goRotation(t, w, v, d) })
	t.Run("secret that needs escaping", func(t *testing.T) {
		for name, style := range authStyles() {
			config := clientCredentials(w, w.OddClient, style)
			if _, err := config.Token(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("errors", func(t *testing.T) { goErrors(t, w) })
}

func authStyles() map[string]oauth2.AuthStyle {
	return map[string]oauth2.AuthStyle{
		"header":      oauth2.AuthStyleInHeader,
		"body":        oauth2.AuthStyleInParams,
		"auto-detect": oauth2.AuthStyleAutoDetect,
	}
}

func clientCredentials(w *world, who party, style oauth2.AuthStyle, resources ...string) clientcredentials.Config {
	return clientcredentials.Config{
		ClientID: who.ID, ClientSecret: who.Secret, TokenURL: w.TokenEndpoint, AuthStyle: style,
		Scopes: strings.Fields(both), EndpointParams: url.Values{"resource": resources},
	}
}

func userConfig(w *world, who party) oauth2.Config {
	return oauth2.Config{
		ClientID: who.ID, ClientSecret: who.Secret, Scopes: strings.Fields(both),
		Endpoint: oauth2.Endpoint{TokenURL: w.TokenEndpoint},
	}
}

func goClientCredentials(t *testing.T, w *world, v *verifiers, alg string) {
	app, target := w.Clients[alg], w.Resources[alg]
	for name, style := range authStyles() {
		t.Run(name, func(t *testing.T) {
			config := clientCredentials(w, app, style, target.ID)
			token, err := config.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			v.holds(t, alg, token, app.ID, app.ID)
		})
	}
	t.Run("two resources", func(t *testing.T) {
		config := clientCredentials(w, app, oauth2.AuthStyleInHeader, target.ID, target.Other)
		token, err := config.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, audience := range []string{target.ID, target.Other} {
			if _, err := v.verify(t.Context(), token.AccessToken, alg, w.Issuer, audience); err != nil {
				t.Error(err)
			}
		}
	})
}

func goPassword(t *testing.T, w *world, v *verifiers, alg string) {
	app := w.Clients[alg]
	for name, who := range map[string]party{"confidential": app, "public": w.PublicClient} {
		if name == "public" && alg != "RS256" {
			continue // its first resource has RS256, and x/oauth2 cannot name another in this grant
		}
		t.Run(name, func(t *testing.T) {
			config := userConfig(w, who)
			first, err := config.PasswordCredentialsToken(t.Context(), w.User.Username, w.User.Password)
			if err != nil {
				t.Fatal(err)
			}
			v.holds(t, alg, first, w.User.ID, who.ID)
			first.Expiry = time.Now().Add(-time.Minute) // so that the source refreshes
			second, err := config.TokenSource(t.Context(), first).Token()
			if err != nil {
				t.Fatal(err)
			}
			v.holds(t, alg, second, w.User.ID, who.ID)
			if second.RefreshToken == "" || second.RefreshToken == first.RefreshToken {
				t.Error("the refresh token was not rotated")
			}
		})
	}
}

// goJWTBearer uses the issuer with a key set: x/oauth2 sends only the assertion, signed with RS256,
// for the token URL, without jti, with the scope inside.
func goJWTBearer(t *testing.T, w *world, v *verifiers, alg string) {
	issuer := w.IdPs[alg][0]
	config := oauth2jwt.Config{
		Email: issuer.Iss, PrivateKey: w.rsaPEM, PrivateKeyID: rsaKID, Subject: w.User.Username,
		Scopes: strings.Fields(both), TokenURL: w.TokenEndpoint, Expires: 5 * time.Minute,
	}
	token, err := config.TokenSource(t.Context()).Token()
	if err != nil {
		t.Fatal(err)
	}
	v.holds(t, alg, token, w.User.ID, issuer.Iss)
	config.Email = "https://stranger.example"
	_, err = config.TokenSource(t.Context()).Token()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || !strings.Contains(string(refused.Body), `"invalid_grant"`) {
		t.Errorf("an unknown issuer: %v, want invalid_grant", err)
	}
}

func goRefusals(t *testing.T, w *world, v *verifiers, alg string) {
	target := w.Resources[alg]
	config := clientCredentials(w, w.Clients[alg], oauth2.AuthStyleInHeader, target.ID)
	token, err := config.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	good := token.AccessToken
	if _, err := v.verify(t.Context(), good, alg, w.Issuer, target.ID); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ token, issuer, audience string }{
		"another audience":   {good, w.Issuer, target.Other},
		"another issuer":     {good, w.Issuer + "/another", target.ID},
		"an altered payload": {alter(t, good), w.Issuer, target.ID},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := v.byJWX(c.token, c.issuer, c.audience); err == nil {
				t.Error("jwx accepted it")
			}
			if err := v.byGoOIDC(t.Context(), c.token, alg, c.issuer, c.audience); err == nil {
				t.Error("go-oidc accepted it")
			}
		})
	}
}

func goErrors(t *testing.T, w *world) {
	app := w.Clients["RS256"]
	wrong := party{ID: app.ID, Secret: "wrong"}
	request := func(who party, style oauth2.AuthStyle, scope, resource string) error {
		config := clientCredentials(w, who, style, resource)
		config.Scopes = []string{scope}
		_, err := config.Token(t.Context())
		return err
	}
	password := func(who party, password string) error {
		config := userConfig(w, who)
		_, err := config.PasswordCredentialsToken(t.Context(), w.User.Username, password)
		return err
	}
	refresh := userConfig(w, app)
	_, unknown := refresh.TokenSource(t.Context(), &oauth2.Token{RefreshToken: "unknown"}).Token()
	target := w.Resources["RS256"].ID
	for _, c := range []struct {
		name, code string
		err        error
	}{
		{"wrong secret in the header", "invalid_client", request(wrong, oauth2.AuthStyleInHeader, "read", target)},
		{"wrong secret in the body", "invalid_client", request(wrong, oauth2.AuthStyleInParams, "read", target)},
		{"wrong secret and a public client's name", "invalid_client", password(party{ID: w.PublicClient.ID, Secret: "wrong"}, w.User.Password)},
		{"wrong password", "invalid_grant", password(app, "wrong password")},
		{"unknown refresh token", "invalid_grant", unknown},
		{"scope that is not allowed", "invalid_scope", request(app, oauth2.AuthStyleInHeader, "admin", target)},
		{"resource that is not allowed", "invalid_target", request(app, oauth2.AuthStyleInHeader, "read", "https://unknown.example")},
		{"grant that the client does not have", "unauthorized_client", request(w.ResourceServer, oauth2.AuthStyleInHeader, "read", target)},
	} {
		var refused *oauth2.RetrieveError
		if !errors.As(c.err, &refused) || refused.ErrorCode != c.code || refused.ErrorDescription == "" {
			t.Errorf("%s: %v, want %s", c.name, c.err, c.code)
		}
	}
}

// verifiers are two JOSE implementations.
type verifiers struct {
	issuer string
	keys   jwk.Set            // of jwx, kept by its cache
	remote *oidc.RemoteKeySet // of go-oidc
	target map[string]resource
}

func newVerifiers(t *testing.T, w *world) *verifiers {
	t.Helper()
	cache := jwk.NewCache(t.Context())
	if err := cache.Register(w.JWKSURI); err != nil {
		t.Fatal(err)
	}
	return &verifiers{
		issuer: w.Issuer,
		keys:   jwk.NewCachedSet(cache, w.JWKSURI),
		remote: oidc.NewRemoteKeySet(t.Context(), w.JWKSURI),
		target: w.Resources,
	}
}

func (v *verifiers) byJWX(token, issuer, audience string) (jwt.Token, error) {
	message, err := jws.Parse([]byte(token), jws.WithCompact())
	if err != nil {
		return nil, err
	}
	if typ := message.Signatures()[0].ProtectedHeaders().Type(); typ != "at+jwt" { // RFC 9068 §4
		return nil, fmt.Errorf("its typ is %q", typ)
	}
	return jwt.ParseString(token, jwt.WithKeySet(v.keys), jwt.WithIssuer(issuer), jwt.WithAudience(audience))
}

func (v *verifiers) byGoOIDC(ctx context.Context, token, alg, issuer, audience string) error {
	config := &oidc.Config{ClientID: audience, SupportedSigningAlgs: []string{alg}}
	_, err := oidc.NewVerifier(issuer, v.remote, config).Verify(ctx, token)
	return err
}

// verify requires both to accept the token, and returns its claims.
func (v *verifiers) verify(ctx context.Context, token, alg, issuer, audience string) (jwt.Token, error) {
	claims, err := v.byJWX(token, issuer, audience)
	if err != nil {
		return nil, err
	}
	return claims, v.byGoOIDC(ctx, token, alg, issuer, audience)
}

// holds verifies a token and compares its claims.
func (v *verifiers) holds(t *testing.T, alg string, token *oauth2.Token, subject, clientID string) {
	t.Helper()
	if !token.Valid() || token.Type() != "Bearer" {
		t.Errorf("the answer holds no token that is good now: expiry %s, type %s", token.Expiry, token.Type())
	}
	claims, err := v.verify(t.Context(), token.AccessToken, alg, v.issuer, v.target[alg].ID)
	if err != nil {
		t.Fatal(err)
	}
	if claims.Subject() != subject {
		t.Errorf("sub is %q, want %q", claims.Subject(), subject)
	}
	for name, want := range map[string]string{"client_id": clientID, "scope": both} {
		if got, _ := claims.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// alter changes the scope of the token but not its signature.
func alter(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	claims["scope"] = "admin"
	if payload, err = json.Marshal(claims); err != nil {
		t.Fatal(err)
	}
	parts[1] = base64.RawURLEncoding.EncodeToString(payload)
	return strings.Join(parts, ".")
}
