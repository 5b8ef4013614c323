package server

import (
	"crypto/rand"
	"log/slog"
	"time"

	"authserver/internal/config"
	"authserver/internal/grants"
	"authserver/internal/handlers"
	"authserver/internal/keys"
	"authserver/internal/logins"
	"authserver/internal/sessions"
	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/internal/trust/assertions"
	"authserver/internal/web"
)

// idTokenTTL is the lifetime of an ID token. The access token that comes with it has a lifetime of
// its own.
const idTokenTTL = time.Hour

// grantStore is what the grants read and change.
type grantStore interface {
	useStore
	store.Clients
	store.Users
	store.Names
	familyStore
}

// familyStore has the token families and redeems the codes that begin them.
type familyStore interface {
	store.Families
	store.Redemptions
}

// useStore records single uses, and reads them.
type useStore interface {
	store.Assertions
	store.AssertionAdmin
}

// grantParts is what the grants are made of.
type grantParts struct {
	store    grantStore
	issuing  grants.Issuing
	cached   *store.Cached
	manager  *keys.Manager
	login    logins.Password
	view     *tokens.View
	revoker  *tokens.Revoker
	codec    *tokens.RefreshCodec
	own      *tokens.Verifier     // of this server's tokens
	verifier *assertions.Verifier // of foreign assertions
	putBacks *grants.PutBacks
	browsers *sessions.Sessions
	clock    store.Clock
	limits   algorithms

	identity   config.Identity
	refresh    config.Refresh
	assertions config.Assertions
}

// wireGrants makes the grants, a line for each.
func wireGrants(p grantParts) (*grants.Registry, error) {
	issuing := p.issuing
	rotating := grants.Rotating{Issuing: issuing, PutBacks: p.putBacks, Refresh: p.codec, Revoker: p.revoker, Clock: p.clock}
	trust := &grants.Trust{
		Issuers: p.cached, Clients: p.cached, Users: p.store, Names: p.store, Decrypter: p.manager, Verifier: p.verifier, Self: p.identity.Issuer,
		Audiences: audiences(p.identity.Issuer), Own: p.limits.ofClients(p.assertions),
	}
	return grants.NewRegistry(
		&grants.AuthorizationCode{Rotating: rotating, Families: p.store, Codes: &tokens.CodeCodec{Keys: p.codec.Keys}},
		&grants.ClientCredentials{Issuing: issuing},
		&grants.Password{Issuing: issuing, Login: p.login, Families: p.store, Refresh: p.codec, Clock: p.clock.ID, Rand: rand.Reader},
		&grants.Refresh{Rotating: rotating, Families: p.store, Sessions: p.browsers, Grace: p.refresh.RefreshGrace},
		&grants.JWTBearer{Issuing: issuing, Trust: trust},
		&grants.Exchange{Issuing: issuing, Users: p.store, Clients: p.store, Tokens: p.own, Revoked: p.view, Used: p.store, Trust: trust},
	)
}

// newRevoker makes the Revoker, for a server and for a command.
func newRevoker(st tokens.RevokerStore, view *tokens.View, s config.Clocks, logger *slog.Logger) *tokens.Revoker {
	return &tokens.Revoker{
		Store: st, View: view, Now: time.Now, Skew: s.ClockSkew, Issuing: web.RequestTimeout + web.AnswerTimeout, Stale: cacheStale, Logger: logger,
	}
}

// audiences are the names under which an assertion may address this server.
func audiences(issuer string) []string {
	return append([]string{issuer}, handlers.TokenURLs(issuer)...)
}
