package grants_test

import (
	"errors"
	"testing"

	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/passwords"
	"authserver/internal/store"
	"authserver/internal/trust/assertions"
)

// If the database is gone or a queue is full, the answer never blames the client: the client would
// throw away a good refresh token or password.
func TestOutagesAreToldAsSuch(t *testing.T) {
	w := newWorld(t)
	w.trust(func(i *store.Issuer) { i.Scopes = nil })
	kinds := map[store.SubjectKind]string{store.SubjectClient: "https://c.example", store.SubjectAny: "https://a.example"}
	for kind, id := range kinds {
		w.trust(func(i *store.Issuer) { i.ID, i.SubjectKind = id, kind })
	}
	w.trust(func(i *store.Issuer) { i.ID, i.ClientID = "https://n.example", "web" })
	gone := &grants.Targets{Resources: outage{}, Default: w.targets.Default}
	refreshToken := w.login().RefreshToken
	password := []string{"username", "alice", "password", secret}
	refresh := []string{"refresh_token", refreshToken}
	bearer := func(iss string) []string {
		return []string{"assertion", w.vouch(map[string]any{"iss": iss, "sub": "web"})}
	}
	withPassword := func(change func(*grants.Password)) grants.Grant { g := *w.password; change(&g); return &g }
	withRefresh := func(change func(*grants.Refresh)) grants.Grant { g := *w.refresh; change(&g); return &g }
	withBearer := func(change func(*grants.JWTBearer)) grants.Grant {
		g, trust := *w.jwtBearer, *w.jwtBearer.Trust
		g.Trust = &trust
		change(&g)
		return &g
	}
	tests := []struct {
		name       string
		grant      grants.Grant
		client     string
		parameters []string
		want       error
	}{
		{"client_credentials: the resource", &grants.ClientCredentials{Issuing: grants.Issuing{Targets: gone, Minter: w.minter}}, "web", nil, store.ErrUnavailable},
		{"password: the resource", withPassword(func(g *grants.Password) { g.Targets = gone }), "web", password, store.ErrUnavailable},
		{"password: the user", withPassword(func(g *grants.Password) { g.Login.Users = outage{} }), "web", password, store.ErrUnavailable},
		{"password: the family", withPassword(func(g *grants.Password) { g.Families = outage{} }), "web", password, store.ErrUnavailable},
		{"password: too many at once", withPassword(func(g *grants.Password) { g.Login.Verifier = crowd{} }), "web", password, passwords.ErrBusy},
		{"refresh_token: the resource, before anything moves", withRefresh(func(g *grants.Refresh) { g.Targets = gone }), "web", append(refresh, "resource", api), store.ErrUnavailable},
		{"refresh_token: the rotation", withRefresh(func(g *grants.Refresh) { g.Families = outage{} }), "web", refresh, store.ErrUnavailable},
		{"refresh_token: the resource, after the rotation", withRefresh(func(g *grants.Refresh) { g.Targets = gone }), "web", refresh, store.ErrUnavailable},
		{"jwt-bearer: the issuer", withBearer(func(g *grants.JWTBearer) { g.Trust.Issuers = outage{} }), "web", bearer(idp), store.ErrUnavailable},
		{"jwt-bearer: the issuer's client", withBearer(func(g *grants.JWTBearer) { g.Trust.Clients = outage{} }), "", bearer("https://n.example"), store.ErrUnavailable},
		{"jwt-bearer: the resource", withBearer(func(g *grants.JWTBearer) { g.Targets = gone }), "web", bearer(idp), store.ErrUnavailable},
		{"jwt-bearer: the user", withBearer(func(g *grants.JWTBearer) { g.Trust.Users = outage{} }), "web", bearer(idp), store.ErrUnavailable},
		{"jwt-bearer: the client that is the subject", withBearer(func(g *grants.JWTBearer) { g.Trust.Clients = outage{} }), "web", bearer(kinds[store.SubjectClient]), store.ErrUnavailable},
		{"jwt-bearer: whether the subject is ours", withBearer(func(g *grants.JWTBearer) { g.Trust.Names = outage{} }), "web", bearer(kinds[store.SubjectAny]), store.ErrUnavailable},
		{"jwt-bearer: the use of the assertion", withBearer(func(g *grants.JWTBearer) { g.Assertions = outage{} }), "web", bearer(kinds[store.SubjectClient]), store.ErrUnavailable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var client *store.Client
			if test.client != "" {
				client = w.client(test.client)
			}
			answer, err := test.grant.Exchange(t.Context(), w.ask(client, test.parameters...))
			if refused := (*oauth.Error)(nil); errors.As(err, &refused) || !errors.Is(err, test.want) {
				t.Errorf("got %v, want the outage", err)
			}
			if answer.AccessToken != "" || answer.RefreshToken != "" {
				t.Error("tokens were answered beside it")
			}
		})
	}
	// After a rotation, the retry within the grace is accepted too.
	w.mustRotate(refreshToken)
}

// If a shared secret cannot be opened, the server is at fault, not the assertion.
func TestAFaultIsNotInvalidGrant(t *testing.T) {
	w := newWorld(t)
	w.trust(func(i *store.Issuer) {
		i.JWKS, i.SealedSecret, i.Algorithms = nil, []byte("sealed under a lost key"), []string{"HS256"}
	})
	w.verifier.Opener = lostKey{}
	assertion, err := assertions.Sign("JWT", assertions.SigningKey{Key: []byte("a secret of thirty-two bytes or more")}, map[string]any{"iss": idp})
	w.ok(err)
	_, err = w.jwtBearer.Exchange(t.Context(), w.ask(w.client("web"), "assertion", assertion))
	if refused := (*oauth.Error)(nil); errors.As(err, &refused) || !errors.Is(err, errLost) {
		t.Errorf("got %v, want the fault", err)
	}
}
