package server

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"authserver/internal/admission"
	"authserver/internal/attempts"
	"authserver/internal/config"
	"authserver/internal/grants"
	"authserver/internal/logins"
	"authserver/internal/oidc"
	"authserver/internal/passwords"
	"authserver/internal/sessions"
	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/internal/trust/assertions"
)

// Bounds and waits without a setting.
const (
	cacheSize     = 10_000           // rows of each noun
	cacheTTL      = 30 * time.Second // without a notification
	cacheAbsent   = 5 * time.Second
	cacheStale    = time.Hour // while the database is down
	cacheMaxWait  = 100 * time.Millisecond
	verifiedSize  = 10_000 // verified client secrets
	notBeforeBack = 30 * time.Second
)

// parts is a complete server that does not listen yet.
type parts struct {
	doors  *listenerHandlers
	loops  *loops
	keys   *keyring
	tls    *tls.Config // of the public listener; nil: plain http
	reload func()      // reads the files again that may change while the server runs
}

// base has the parts of a server other than its settings.
type base struct {
	store   store.Store
	ring    *keyring // not loaded yet
	files   tlsFiles
	version string
	logger  *slog.Logger
}

// wire assembles the server: it is the only place that connects the parts.
func wire(ctx context.Context, o base, s config.Server) (*parts, error) { //nolint:funlen // a list of all parts, which has no steps to divide it by
	st, ring, logger := o.store, o.ring, o.logger
	cached, err := store.NewCached(st, store.CacheOptions{
		Size: cacheSize, TTL: cacheTTL, AbsentTTL: cacheAbsent, Stale: cacheStale, MaxWait: cacheMaxWait, Now: time.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("make the caches: %w", err)
	}
	if err := ring.load(ctx); err != nil {
		return nil, err
	}
	clock, err := newClock(s.ClockSkew)
	if err != nil {
		return nil, err
	}
	sealer, manager := ring.sealer, ring.signing
	view := &tokens.View{Store: st, Now: time.Now} // the loops load it: only requests that need it wait
	revoker := newRevoker(st, view, s.Clocks, logger)
	hasher, err := passwords.New(passwords.Options{Cost: s.BcryptCost, Workers: passwordWorkers(s.Logins), Wait: loginWait, Rand: rand.Reader})
	if err != nil {
		return nil, fmt.Errorf("set up password hashing: %w", err)
	}
	remote, reloadAuthorities, err := openRemoteKeys(s.Fetch, overHTTP(s.Identity), logger)
	if err != nil {
		return nil, err
	}
	limits, err := newAlgorithms(s.ClientAssertions, s.DPoP)
	if err != nil {
		return nil, err
	}
	verifier := &assertions.Verifier{Skew: s.ClockSkew, Opener: sealer, Remote: remote}
	guard := &attempts.Guard{Store: st, Actor: actor(), Now: time.Now, Logger: logger}
	authenticator, err := wireClientAuth(clientAuthParts{
		clients: cached, guard: guard, hasher: hasher, verifier: verifier, files: o.files, limits: limits,
		identity: s.Identity, tls: s.TLS, assertions: s.Assertions,
	})
	if err != nil {
		return nil, err
	}
	codec := &tokens.RefreshCodec{Keys: ring.refresh}
	handles := &tokens.Handles{Keys: ring.refresh}
	pairwise := &tokens.Pairwise{Secret: ring.subject.Get}
	hints := oidc.Hints{Issuer: s.Issuer, Keys: manager, Decrypter: manager, Pairwise: pairwise}
	own := &tokens.Verifier{Issuer: s.Issuer, Keys: manager, Pairwise: pairwise, Skew: s.ClockSkew}
	signatures := &admission.Gate{Slots: computations(runtime.GOMAXPROCS(0)), Now: time.Now}
	minter := &tokens.Minter{Issuer: s.Issuer, Keys: manager, Backdate: notBeforeBack, MaxTTL: s.MaxAccessTokenTTL, Handles: handles, Pairwise: pairwise, Turns: signatures, Rand: rand.Reader}
	login := logins.Password{Users: st, Verifier: hasher, Guard: guard}
	putBacks := &grants.PutBacks{Families: st}
	targets := &grants.Targets{
		Resources: cached,
		Default:   store.Resource{ID: s.Issuer, AccessTokenTTL: s.DefaultAccessTokenTTL, SigningAlg: "RS256"},
	}
	encrypter := &oidc.Encrypter{}
	idTokens := &oidc.IDTokens{Issuer: s.Issuer, Signer: minter, Encrypter: encrypter, Pairwise: pairwise, TTL: min(idTokenTTL, s.MaxAccessTokenTTL)}
	issuing := grants.Issuing{Targets: targets, Minter: minter, Assertions: st, IDTokens: idTokens}
	seen := &sessions.LastSeen{Store: st}
	browsers := &sessions.Sessions{
		Store: st, Ender: revoker, Seen: seen, IdleTTL: s.Sessions.SessionIdleTTL, MaxTTL: s.Sessions.SessionMaxTTL, Clock: clock, Rand: rand.Reader,
	}
	registry, err := wireGrants(grantParts{
		store: st, issuing: issuing, cached: cached, manager: manager, login: login, view: view, revoker: revoker, codec: codec,
		own: own, verifier: verifier, putBacks: putBacks, browsers: browsers, clock: clock, limits: limits,
		identity: s.Identity, refresh: s.Refresh, assertions: s.Assertions,
	})
	if err != nil {
		return nil, err
	}
	health := newHealth(st, manager, view, s.Timeline, logger)
	gates := newGates(registry, gateSettings{s.Load, s.Logins, s.Database})
	signIn, err := wireSignIn(signInParts{
		store: st, cached: cached, issuing: issuing, verifier: verifier, limits: limits, ring: ring, hints: hints, revoker: revoker, login: login, browsers: browsers, clock: clock, gates: gates,
		identity: s.Identity, tokens: s.AccessTokens, pages: s.Pages,
	})
	if err != nil {
		return nil, err
	}
	backchannel := &oidc.Backchannel{
		Store: st, Clients: cached, Tokens: &oidc.LogoutTokens{Issuer: s.Issuer, Signer: minter, Encrypter: encrypter, Pairwise: pairwise, Rand: rand.Reader}, Sender: remote.Fetcher,
		Actor: actor(), Now: time.Now, Logger: logger,
	}
	doors, err := wireHTTP(endpointParts{
		store: st, cached: cached, ring: ring, hints: hints, authenticator: authenticator, registry: registry, health: health, signIn: signIn, newPassword: logins.NewPassword{Policy: newPolicy(s.NewPasswords), Hasher: hasher}, gates: gates, limits: limits,
		verifier: own, view: view, revoker: revoker, codec: codec, handles: handles, minter: minter, encrypter: encrypter, clock: clock,
		metrics: wireMetrics(meteredParts{
			gates: gates, signatures: signatures, registry: registry, authenticator: authenticator,
			meter: st, hasher: hasher, ring: ring, remote: remote, backchannel: backchannel,
		}, o.version), logger: logger,
		identity: s.Identity, proxies: s.Proxies, tls: s.TLS, load: s.Load, proofs: s.DPoP,
	})
	if err != nil {
		return nil, err
	}
	return &parts{
		doors:  doors,
		keys:   ring,
		tls:    o.files.config(),
		reload: func() { o.files.reload(); reloadAuthorities() },
		loops: &loops{
			store: st, cached: cached, keys: ring, putBacks: putBacks, seen: seen, revoker: revoker, backchannel: backchannel, guard: guard, view: view, remote: remote,
			poll: s.KeyPollInterval, auditRetention: s.AuditRetention, tick: manager.Timeline.TickInterval(), skew: s.ClockSkew, now: time.Now, logger: logger,
		},
	}, nil
}
