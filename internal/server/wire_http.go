package server

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"authserver/api"
	"authserver/internal/admission"
	"authserver/internal/clientauth"
	"authserver/internal/config"
	"authserver/internal/grants"
	"authserver/internal/handlers"
	"authserver/internal/logins"
	"authserver/internal/oidc"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/tokens"
	"authserver/internal/web"
)

// endpointStore is what the endpoints read and change apart from the grants.
type endpointStore interface {
	store.Assertions
	Family(ctx context.Context, id store.FamilyID) (store.Family, error)
	RecordEvent(ctx context.Context, e store.Event) error
	personStore
}

// personStore is what the account page and the logout read and change.
type personStore interface {
	User(ctx context.Context, id string) (store.User, error)
	ListSessions(ctx context.Context, p store.SessionPage) ([]store.Session, error)
	ListConsents(ctx context.Context, p store.ConsentPage) ([]store.Consent, error)
	UpdateUser(ctx context.Context, u store.User, by store.Change) error
	SessionClients(ctx context.Context, id store.SessionID) ([]string, error)
}

// endpointParts is what the endpoints are made of.
type endpointParts struct {
	store         endpointStore
	cached        *store.Cached
	ring          *keyring
	hints         oidc.Hints
	authenticator *clientauth.Authenticator
	registry      *grants.Registry
	health        *handlers.Health
	signIn        *handlers.SignIn
	newPassword   logins.NewPassword
	gates         map[string]*admission.Gate
	limits        algorithms
	verifier      *tokens.Verifier
	view          *tokens.View
	revoker       *tokens.Revoker
	codec         *tokens.RefreshCodec
	handles       *tokens.Handles
	minter        *tokens.Minter
	encrypter     *oidc.Encrypter
	clock         store.Clock
	metrics       *telemetry.Metrics
	logger        *slog.Logger

	identity config.Identity
	proxies  config.Proxies
	tls      config.TLS
	load     config.Load
	proofs   config.DPoP
}

// listenerHandlers are the HTTP handlers of the listeners and their parts.
type listenerHandlers struct {
	issuer       string
	public       *web.Door
	ops          *web.Door
	endpoints    handlers.Public
	opsEndpoints handlers.Ops
	demo         []web.Route
}

// wireHTTP makes the endpoints and the handlers of both listeners.
func wireHTTP(p endpointParts) (*listenerHandlers, error) {
	certifying, err := p.tls.ClientCertProxies()
	if err != nil {
		return nil, err
	}
	trusted, err := p.proxies.TrustedProxies()
	if err != nil {
		return nil, err
	}
	manager := p.ring.signing
	clients := &handlers.Clients{
		Authenticator: p.authenticator, CertificateProxies: certifying, Gates: p.gates, Assertions: p.store, Now: time.Now,
	}
	proof := handlers.DPoP{Algorithms: p.limits.proofs, Skew: p.clock.Skew}
	if p.proofs.DPoPNonce {
		proof.Nonces = &tokens.Nonces{Keys: p.ring.refresh, Skew: p.clock.Skew}
	}
	logout := &handlers.Logout{SignIn: p.signIn, Ender: p.revoker, Requests: &oidc.Logouts{
		Clients: p.cached, Store: p.store, Hints: p.hints,
		Envelope: oidc.NewLogoutEnvelope(tokens.Envelope{Keys: p.ring.refresh, Rand: rand.Reader}),
	}}
	return &listenerHandlers{
		issuer: p.identity.Issuer,
		public: &web.Door{
			Proxies: trusted, Places: admission.Places{Max: p.load.MaxConnections, MaxBytes: bodyBytes}, Limit: web.RequestTimeout,
			Shed: rate.Sometimes{Interval: shedLogged}, Metrics: p.metrics, Logger: p.logger, Now: time.Now, Rand: rand.Reader,
		},
		ops: &web.Door{Proxies: trusted, Metrics: p.metrics, Logger: p.logger, Now: time.Now, Rand: rand.Reader}, // a profile takes as long as the operator asks
		endpoints: handlers.Public{
			Audit: &handlers.Audit{Events: p.store, Logger: p.logger, Now: time.Now},
			Token: &handlers.Token{Clients: clients, Grants: p.registry, DPoP: proof, Metrics: p.metrics, Now: time.Now},
			Introspect: &handlers.Introspect{Clients: clients, Metrics: p.metrics, Tokens: &tokens.Introspector{
				Issuer: p.identity.Issuer, Verifier: p.verifier, Handles: p.handles, View: p.view, Refresh: p.codec, Families: p.store, Users: p.cached, Pairwise: p.hints.Pairwise, Now: time.Now, Clock: p.clock,
			}},
			Revoke: &handlers.Revoke{Clients: clients, Metrics: p.metrics, Tokens: &tokens.Revocables{
				Verifier: p.verifier, Refresh: p.codec, Handles: p.handles, Families: p.store, Revoker: p.revoker, Now: time.Now,
			}},
			Push: &handlers.Push{Clients: clients, Authorizer: p.signIn.Authorizer, DPoP: proof, Now: time.Now},
			JWKS: &handlers.JWKS{
				Keys: manager, CacheControl: handlers.KeySetCacheControl(manager.Timeline.JWKSMaxAge, manager.Timeline.StaleWhileRevalidate()),
			},
			Metadata: &handlers.Metadata{
				Issuer: p.identity.Issuer, Authenticator: p.authenticator, Grants: p.registry, AssertionAlgs: p.limits.ofAssertions(),
				ProofAlgs: p.limits.proofs, TakesCertificates: p.tls.TakesCertificates(), Keys: manager,
			},
			Userinfo: &handlers.Userinfo{Clients: clients, DPoP: proof, Once: p.store, Now: time.Now, Persons: &oidc.Userinfo{
				Issuer: p.identity.Issuer, Verifier: p.verifier, View: p.view, Clients: p.cached, Users: p.cached, Signer: p.minter, Encrypter: p.encrypter, Pairwise: p.hints.Pairwise,
			}},
			Origins:      &handlers.Origins{Registered: p.cached},
			OpenAPI:      &handlers.OpenAPI{Document: api.OpenAPI()},
			Health:       p.health,
			SignIn:       p.signIn,
			Logout:       logout,
			CheckSession: &handlers.CheckSession{Registered: p.cached},
			Account: &handlers.Account{
				SignIn: p.signIn, Logout: logout, Store: p.store, Clients: p.cached, Revoker: p.revoker, NewPassword: p.newPassword,
			},
		},
		opsEndpoints: handlers.Ops{Metrics: p.metrics, Health: p.health},
	}, nil
}

func (d *listenerHandlers) health() *handlers.Health { return d.endpoints.Health }

// handlePublic is the handler of the public listener; crowded as [web.Door] has it.
func (d *listenerHandlers) handlePublic(crowded func() bool) http.Handler {
	d.public.Crowded = crowded
	return closeWhileDraining(d.health(), d.public.Handler(append(d.endpoints.Routes(), d.demo...), d.issuer))
}

// handleOps is the handler of the ops listener.
func (d *listenerHandlers) handleOps() http.Handler {
	return d.ops.Handler(d.opsEndpoints.Routes(), "")
}
