package server

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"time"

	"authserver/internal/admission"
	"authserver/internal/clientauth"
	"authserver/internal/config"
	"authserver/internal/grants"
	"authserver/internal/handlers"
	"authserver/internal/keys"
	"authserver/internal/keys/signers"
	"authserver/internal/oauth"
	"authserver/internal/passwords"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/tokens"
	"authserver/internal/trust/assertions"
	"authserver/internal/trust/remotekeys"
	"authserver/internal/web"
)

// Bounds and waits that nobody has had a reason to set.
const (
	cacheSize     = 10_000           // rows of each noun
	cacheTTL      = 30 * time.Second // where no watcher tells
	cacheAbsent   = 5 * time.Second
	cacheStale    = time.Hour // while the database is gone
	cachePatience = 100 * time.Millisecond
	verifiedSize  = 10_000 // client secrets that were right
	notBeforeBack = 30 * time.Second
)

// parts is a server that is put together and does not listen yet.
type parts struct {
	doors  *doors
	loops  *loops
	keys   *keyring
	tls    *tls.Config // of the public listener; nil: plain http
	reload func()      // reads the files again that may change while the server runs
}

// wire puts the server together: it is the only place where the parts meet.
func wire(ctx context.Context, st store.Store, ring *keyring, files tlsFiles, s config.Settings, version string, logger *slog.Logger) (*parts, error) { //nolint:funlen // a list of all parts, which has no steps to divide it by
	cached, err := store.NewCached(st, store.CacheOptions{
		Size: cacheSize, TTL: cacheTTL, AbsentTTL: cacheAbsent, Stale: cacheStale, Patience: cachePatience, Now: time.Now,
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
	view := &tokens.View{Store: st, Now: time.Now} // the loops load it: who needs it waits, and nobody else
	revoker := newRevoker(st, view, s, logger)
	hasher, err := passwords.New(passwords.Options{Cost: s.BcryptCost, Workers: passwordWorkers(s), Wait: loginWait})
	if err != nil {
		return nil, fmt.Errorf("set up password hashing: %w", err)
	}
	remote, reloadAuthorities, err := openRemoteKeys(s, logger)
	if err != nil {
		return nil, err
	}
	limits, err := newAlgorithms(s)
	if err != nil {
		return nil, err
	}
	verifier := &assertions.Verifier{Skew: s.ClockSkew, Opener: sealer, Remote: remote}
	authenticator, err := wireClientAuth(cached, hasher, verifier, files, limits, s)
	if err != nil {
		return nil, err
	}
	codec := &tokens.RefreshCodec{Keys: ring.refresh}
	handles := &tokens.Handles{Keys: ring.refresh}
	own := &tokens.Verifier{Issuer: s.Issuer, Keys: manager, Skew: s.ClockSkew}
	signatures := &admission.Gate{Slots: signers.AtOnce(runtime.GOMAXPROCS(0)), Now: time.Now}
	minter := &tokens.Minter{Issuer: s.Issuer, Keys: manager, Backdate: notBeforeBack, MaxTTL: s.MaxAccessTokenTTL, Handles: handles, Turns: signatures, Rand: rand.Reader}
	putBacks := &grants.PutBacks{Families: st}
	registry, err := wireGrants(st, cached, manager, hasher, view, revoker, codec, own, verifier, minter, putBacks, clock, limits, s)
	if err != nil {
		return nil, err
	}
	health := newHealth(st, manager, view, s, logger)
	gates := newGates(registry, s)
	doors, err := wireHTTP(endpointParts{
		store: st, cached: cached, ring: ring, authenticator: authenticator, registry: registry, health: health, gates: gates, limits: limits,
		verifier: own, view: view, revoker: revoker, codec: codec, handles: handles, clock: clock,
		metrics: wireMetrics(gates, registry, authenticator, st, hasher, signatures, ring, remote, version), logger: logger,
	}, s)
	if err != nil {
		return nil, err
	}
	return &parts{
		doors:  doors,
		keys:   ring,
		tls:    files.config(),
		reload: func() { files.reload(); reloadAuthorities() },
		loops: &loops{
			store: st, cached: cached, keys: ring, putBacks: putBacks, view: view, remote: remote,
			poll: s.KeyPollInterval, auditRetention: s.AuditRetention, tick: manager.Timeline.TickInterval(), skew: s.ClockSkew, now: time.Now, logger: logger,
		},
	}, nil
}

func wireClientAuth(cached *store.Cached, hasher *passwords.Hasher, verifier *assertions.Verifier, files tlsFiles,
	limits algorithms, s config.Settings) (*clientauth.Authenticator, error) {
	verified, err := passwords.NewVerifiedCache(hasher, verifiedSize, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the cache of verified secrets: %w", err)
	}
	secrets := clientauth.Secrets{Slow: verified, Opener: verifier.Opener}
	signed := clientauth.Assertions{
		Verifier: verifier, Issuer: s.Issuer, Endpoints: audiences(s.Issuer)[1:], Rules: limits.ofClients(s),
	}
	methods := []clientauth.Method{
		clientauth.SecretBasic{Secrets: secrets},
		clientauth.SecretPost{Secrets: secrets},
	}
	if limits.takes(assertions.SecretAlgorithms()) {
		methods = append(methods, clientauth.JWT{Method: oauth.AuthSecretJWT, Assertions: signed})
	}
	if limits.takes(assertions.KeyAlgorithms()) {
		methods = append(methods, clientauth.JWT{Method: oauth.AuthPrivateKeyJWT, Assertions: signed})
	}
	if s.TakesCertificates() {
		methods = append(methods, &clientauth.SelfSignedTLS{Remote: verifier.Remote})
		if files.clientCAs != nil {
			methods = append(methods, clientauth.TLS{Authorities: files.clientCAs.get})
		}
	}
	return clientauth.New(cached, append(methods, clientauth.None{})...)
}

func wireGrants(st store.Store, cached *store.Cached, manager *keys.Manager, hasher *passwords.Hasher,
	view *tokens.View, revoker *tokens.Revoker, codec *tokens.RefreshCodec, own *tokens.Verifier, verifier *assertions.Verifier,
	minter *tokens.Minter, putBacks *grants.PutBacks, clock store.Clock, limits algorithms, s config.Settings) (*grants.Registry, error) {
	targets := &grants.Targets{
		Resources: cached,
		Default:   store.Resource{ID: s.Issuer, AccessTokenTTL: s.DefaultAccessTokenTTL, SigningAlg: "RS256"},
	}
	issuing := grants.Issuing{Targets: targets, Minter: minter, Assertions: st}
	trust := &grants.Trust{
		Issuers: cached, Clients: cached, Users: st, Names: st, Decrypter: manager, Verifier: verifier, Self: s.Issuer,
		Audiences: audiences(s.Issuer), Own: limits.ofClients(s),
	}
	return grants.NewRegistry(
		&grants.ClientCredentials{Issuing: issuing},
		&grants.Password{Issuing: issuing, Users: st, Families: st, Verifier: hasher, Refresh: codec, Clock: clock.ID, Rand: rand.Reader},
		&grants.Refresh{Issuing: issuing, Families: st, PutBacks: putBacks, Refresh: codec, Revoker: revoker, Grace: s.RefreshGrace, Clock: clock},
		&grants.JWTBearer{Issuing: issuing, Trust: trust},
		&grants.Exchange{Issuing: issuing, Users: st, Clients: st, Tokens: own, Revoked: view, Used: st, Trust: trust},
	)
}

// newRevoker makes the part that voids, for a server and for a command.
func newRevoker(st store.Store, view *tokens.View, s config.Settings, logger *slog.Logger) *tokens.Revoker {
	return &tokens.Revoker{
		Store: st, View: view, Now: time.Now, Skew: s.ClockSkew, Issuing: web.RequestTimeout + web.AnswerTimeout, Stale: cacheStale, Logger: logger,
	}
}

// audiences are the names under which an assertion may address this server.
func audiences(issuer string) []string {
	return append([]string{issuer}, handlers.TokenURLs(issuer)...)
}

func wireMetrics(gates map[string]*admission.Gate, registry *grants.Registry, authenticator *clientauth.Authenticator, st store.Store, hasher *passwords.Hasher, signatures *admission.Gate, ring *keyring, remote *remotekeys.Sets,
	version string) *telemetry.Metrics {
	all := maps.Clone(gates)
	all["signature"] = signatures
	options := telemetry.MetricsOptions{
		Version: version, Signer: SignedBy(), Routes: handlers.Paths(),
		RoundTrips:        st.RoundTrips,
		PasswordsInFlight: hasher.InFlight,
		Keys:              ring.signing.CountByState, KeyAlgs: keys.Algorithms(), KeyAge: ring.signing.Age, KeyUntilNext: ring.signing.UntilNext,
		SealingFailures:  ring.sealer.Failures,
		RemoteKeyFetches: remote.Fetches,
	}
	for _, grant := range registry.Types() {
		options.Grants = append(options.Grants, string(grant))
	}
	for _, method := range authenticator.Names() {
		options.AuthMethods = append(options.AuthMethods, string(method))
	}
	for kind, gate := range all {
		options.Gates = append(options.Gates, telemetry.Gate{Kind: kind, InFlight: gate.InFlight, Waiting: gate.Waiting})
	}
	metrics := telemetry.NewMetrics(options)
	for kind, gate := range all {
		gate.Waited = func(took time.Duration) { metrics.Waited(kind, took) }
	}
	return metrics
}
