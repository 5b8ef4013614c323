package server

import (
	"maps"
	"time"

	"authserver/internal/admission"
	"authserver/internal/clientauth"
	"authserver/internal/grants"
	"authserver/internal/handlers"
	"authserver/internal/keys"
	"authserver/internal/oauth"
	"authserver/internal/oidc"
	"authserver/internal/passwords"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/trust/remotekeys"
)

// meteredParts are the parts that the metrics read.
type meteredParts struct {
	gates         map[string]*admission.Gate // of the requests, by kind
	signatures    *admission.Gate
	registry      *grants.Registry
	authenticator *clientauth.Authenticator
	meter         store.Meter
	hasher        *passwords.Hasher
	ring          *keyring
	remote        *remotekeys.Sets
	backchannel   *oidc.Backchannel
}

// wireMetrics makes the metrics, and makes the gates report waits.
func wireMetrics(p meteredParts, version string) *telemetry.Metrics {
	all := maps.Clone(p.gates)
	all["signature"] = p.signatures
	options := telemetry.MetricsOptions{
		Version: version, Signer: SignedBy(), Routes: handlers.Paths(), Refreshes: grants.RefreshOutcomes(),
		RoundTrips:        p.meter.RoundTrips,
		PasswordsInFlight: p.hasher.InFlight,
		Keys:              p.ring.signing.CountByState, KeyAlgs: keys.Algorithms(), KeyAge: p.ring.signing.Age, KeyUntilNext: p.ring.signing.UntilNext,
		SealingFailures:  p.ring.sealer.Failures,
		RemoteKeyFetches: p.remote.Fetches,
		LogoutDeliveries: p.backchannel.Count, DeliveryResults: []string{oidc.DeliveryDelivered, oidc.DeliveryFailed, oidc.DeliveryGivenUp},
	}
	for _, code := range oauth.Codes() {
		options.Codes = append(options.Codes, string(code))
	}
	for _, grant := range p.registry.Types() {
		options.Grants = append(options.Grants, string(grant))
	}
	for _, method := range p.authenticator.Names() {
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
