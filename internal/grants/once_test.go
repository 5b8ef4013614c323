package grants_test

import (
	"errors"
	"testing"
	"time"

	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// brokenMinter has keys that do not sign at the moment, like those of a token that is away.
type brokenMinter struct{}

var errAway = oauth.Fail(oauth.Unavailable, "signer_failed", "the token could not be signed; try again later")

func (brokenMinter) Ready(time.Time, string) error { return nil }
func (brokenMinter) Mint(time.Time, tokens.Access) (tokens.Minted, error) {
	return tokens.Minted{}, errAway
}

// brought is the single use of a proof in a request.
func (w *world) brought(id byte) grants.SingleUse {
	return grants.SingleUse{
		Use: store.Use{Issuer: "dpop", ID: [32]byte{id}, ExpiresAt: store.At(w.Now().Add(time.Hour))},
		OnReplay: func() *oauth.Error {
			return oauth.Fail(oauth.InvalidDPoPProof, "dpop_replayed", "the proof was used before")
		},
	}
}

func (w *world) usedUp(once grants.SingleUse) bool {
	w.Helper()
	used, err := w.db.AssertionUsed(w.Context(), once.Issuer, once.ID)
	w.ok(err)
	return used
}

// Only an issued token uses up a single use: after a refusal, an outage or a failed signature, the
// same request may come again.
func TestOnlyATokenUsesUp(t *testing.T) {
	w := newWorld(t)
	w.trust(func(i *store.Issuer) { i.ClientAuth = false })
	password := []string{"username", "alice", "password", secret}
	unsigned := func(change func(*grants.Password)) grants.Grant { g := *w.password; change(&g); return &g }
	bearer := *w.jwtBearer
	bearer.Minter = brokenMinter{}
	unrefreshed := w.change("other", func(c *store.Client) { c.Grants = c.Grants[:2] })
	for i, test := range []struct {
		name       string
		grant      grants.Grant
		client     *store.Client
		parameters []string
	}{
		{"client_credentials: a scope", w.clientCredentials, w.client("web"), []string{"scope", "admin"}},
		{"client_credentials: a resource", w.clientCredentials, w.client("web"), []string{"resource", "https://x.example"}},
		{"client_credentials: a public client", w.clientCredentials, w.client("app"), nil},
		{"client_credentials: a key", &grants.ClientCredentials{Issuing: grants.Issuing{Targets: w.targets, Minter: brokenMinter{}, Assertions: w.db}}, w.client("web"), nil},
		{"client_credentials: the database", &grants.ClientCredentials{Issuing: grants.Issuing{Targets: w.targets, Minter: w.minter, Assertions: outage{}}}, w.client("web"), nil},
		{"password: nothing sent", w.password, w.client("web"), nil},
		{"password: a wrong one", w.password, w.client("web"), []string{"username", "alice", "password", "wrong password"}},
		{"password: no such user", w.password, w.client("app"), []string{"username", "unknown", "password", secret}},
		{"password: a key", unsigned(func(g *grants.Password) { g.Minter = brokenMinter{} }), w.client("web"), password},
		{"password: a key, where nothing is to be refreshed", unsigned(func(g *grants.Password) { g.Minter = brokenMinter{} }), unrefreshed, password},
		{"password: the database", unsigned(func(g *grants.Password) { g.Families = outage{} }), w.client("web"), password},
		{"password: too many", unsigned(func(g *grants.Password) { g.Login.Verifier = crowd{} }), w.client("web"), password},
		{"refresh_token: nothing sent", w.refresh, w.client("app"), nil},
		{"refresh_token: forged", w.refresh, w.client("app"), []string{"refresh_token", "art_forged"}},
		{"refresh_token: of another client", w.refresh, w.client("app"), []string{"refresh_token", w.login().RefreshToken}},
		{"refresh_token: more scope", w.refresh, w.client("web"), []string{"refresh_token", w.login("scope", "read").RefreshToken, "scope", "write"}},
		{"jwt-bearer: nothing sent", w.jwtBearer, nil, nil},
		{"jwt-bearer: no such issuer", w.jwtBearer, nil, []string{"assertion", w.vouch(map[string]any{"iss": "x"})}},
		{"jwt-bearer: expired", w.jwtBearer, nil, []string{"assertion", w.vouch(map[string]any{"exp": w.Now().Add(-time.Hour).Unix()})}},
		{"jwt-bearer: no such user", w.jwtBearer, nil, []string{"assertion", w.vouch(map[string]any{"sub": "unknown"})}},
		{"jwt-bearer: a scope", w.jwtBearer, nil, []string{"assertion", w.vouch(nil), "scope", "admin"}},
		{"jwt-bearer: a key", &bearer, nil, []string{"assertion", w.vouch(nil)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			proof := w.brought(byte(i + 1))
			r := w.ask(test.client, test.parameters...)
			r.Once = []grants.SingleUse{proof}
			answer, err := test.grant.Exchange(t.Context(), r)
			if err == nil || answer.AccessToken != "" {
				t.Fatalf("it was not refused: %v", err)
			}
			if w.usedUp(proof) {
				t.Errorf("what failed with %v used the proof up", err)
			}
		})
	}
}

// An assertion of a request that failed can be used again.
func TestAnAssertionOfARequestThatFailedIsNotUsedUp(t *testing.T) {
	w := newWorld(t)
	w.trust(func(i *store.Issuer) { i.ClientAuth = false })
	assertion := w.vouch(nil)
	away := *w.jwtBearer
	away.Minter = brokenMinter{}
	_, err := away.Exchange(t.Context(), w.ask(nil, "assertion", assertion))
	refused(t, err, oauth.Unavailable, "signer_failed")
	_, err = w.jwtBearer.Exchange(t.Context(), w.ask(nil, "assertion", assertion, "scope", "admin"))
	refused(t, err, oauth.InvalidScope, "scope_not_allowed")
	proof := w.brought(1)
	w.ok(w.db.UseOnce(t.Context(), proof.Use))
	r := w.ask(nil, "assertion", assertion)
	r.Once = []grants.SingleUse{proof}
	_, err = w.jwtBearer.Exchange(t.Context(), r)
	refused(t, err, oauth.InvalidDPoPProof, "dpop_replayed")
	w.exchange(w.jwtBearer, w.ask(nil, "assertion", assertion))
	_, err = w.jwtBearer.Exchange(t.Context(), w.ask(nil, "assertion", assertion))
	refused(t, err, oauth.InvalidGrant, "assertion_replayed")
}

// A proof that comes again gets no token, whatever else the request contains, and moves nothing: if
// a client repeats a request exactly, its refresh token stays valid.
func TestAProofIsGoodOnceByEveryGrant(t *testing.T) {
	w := newWorld(t)
	w.trust(func(i *store.Issuer) { i.ClientAuth = false })
	first := w.login().RefreshToken
	unrefreshed := w.change("other", func(c *store.Client) { c.Grants = c.Grants[:2] })
	for i, test := range []struct {
		name  string
		grant grants.Grant
		ask   func() grants.Request
	}{
		{"client_credentials", w.clientCredentials, func() grants.Request { return w.ask(w.client("web")) }},
		{"password", w.password, func() grants.Request { return w.ask(w.client("web"), "username", "alice", "password", secret) }},
		{"password without a refresh token", w.password, func() grants.Request { return w.ask(unrefreshed, "username", "alice", "password", secret) }},
		{"refresh_token", w.refresh, func() grants.Request { return w.ask(w.client("web"), "refresh_token", first) }},
		{"jwt-bearer", w.jwtBearer, func() grants.Request { return w.ask(nil, "assertion", w.vouch(nil)) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			proof := w.brought(byte(i + 1))
			r := test.ask()
			r.Once = []grants.SingleUse{proof}
			w.exchange(test.grant, r)
			if !w.usedUp(proof) {
				t.Error("the proof is not used up")
			}
			for _, wait := range []time.Duration{0, 2 * grace} { // within the grace and after it
				w.wait(wait)
				r = test.ask()
				r.Once = []grants.SingleUse{proof}
				answer, err := test.grant.Exchange(t.Context(), r)
				refused(t, err, oauth.InvalidDPoPProof, "dpop_replayed")
				if answer.AccessToken != "" || answer.RefreshToken != "" {
					t.Error("tokens were answered beside it")
				}
			}
		})
	}
	presented, err := w.codec.Decode(first)
	w.ok(err)
	family, err := w.db.Family(t.Context(), presented.Family)
	w.ok(err)
	if family.Generation != 2 || !family.RevokedAt.IsZero() {
		t.Errorf("the family is at generation %d, revoked %s", family.Generation, family.RevokedAt)
	}
	if _, err := w.db.Family(t.Context(), store.FamilyID{}); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}
