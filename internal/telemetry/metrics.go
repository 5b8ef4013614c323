package telemetry

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// MetricsOptions have the values of labels and the functions of gauges. A gauge without a function
// is not offered.
type MetricsOptions struct {
	Version     string   // of the binary
	Signer      string   // the code that signs tokens
	Grants      []string // grant types that are registered
	AuthMethods []string // client authentication methods that are registered
	Routes      []string // patterns of both listeners, such as "/oauth2/token"
	Codes       []string // OAuth error codes
	Refreshes   []string // outcomes of a refresh token

	RoundTrips        func() int64          // to the database, since the start
	PasswordsInFlight func() int            // bcrypt computations that run
	Gates             []Gate                // the gates
	Keys              func() map[string]int // signing keys by state: pending, active, retired

	KeyAlgs         []string                               // algorithms of signing keys
	KeyAge          func(alg string) (time.Duration, bool) // how long the active key has been signing; false: there is none
	KeyUntilNext    func(alg string) (time.Duration, bool) // time until the next event of a key; false: nothing is planned
	SealingFailures func() (seals, opens int64)            // that failed, since the start

	// RemoteKeyFetches is the number of fetches of remote key sets that succeeded, or failed, since
	// the start: of sets found by the metadata of an issuer, or by their URL.
	RemoteKeyFetches func(discovery, failed bool) int64
	// LogoutDeliveries is the number of attempts to deliver a logout token with a result.
	LogoutDeliveries func(result string) int64
	DeliveryResults  []string
}

// Gate has the gauges of a gate, where requests of a kind wait for their turn.
type Gate struct {
	Kind              string
	InFlight, Waiting func() int
}

// Metrics counts what the server does, in a registry of its own. A value that is
// not in a label's set is counted as "other". It is safe for concurrent use.
type Metrics struct {
	registry                    *prometheus.Registry
	grants, authMethods, routes labelSet
	gates, codes, outcomes      labelSet
	reasons                     slugs

	tokens         *prometheus.CounterVec
	tokenSeconds   *prometheus.HistogramVec
	refreshes      *prometheus.CounterVec
	introspections *prometheus.CounterVec
	revocations    *prometheus.CounterVec
	refused        *prometheus.CounterVec
	storeFailures  *prometheus.CounterVec
	requests       *prometheus.CounterVec
	requestSeconds *prometheus.HistogramVec
	inFlight       prometheus.Gauge
	turnSeconds    *prometheus.HistogramVec
}

// NewMetrics makes the metrics. Known outcomes begin at 0, so that a rate is right from the first
// event.
func NewMetrics(o MetricsOptions) *Metrics {
	m := &Metrics{
		registry:    prometheus.NewRegistry(),
		grants:      o.Grants,
		authMethods: o.AuthMethods,
		routes:      o.Routes,
		codes:       o.Codes,
		outcomes:    o.Refreshes,
		reasons:     slugs{seen: make(map[string]bool)},

		tokens:         counter("token_requests_total", "Token requests by grant type, client authentication method and outcome: issued, or the OAuth error code.", "grant", "auth_method", "outcome"),
		tokenSeconds:   histogram("token_request_duration_seconds", "Time that token requests took.", "grant", "auth_method", "outcome"),
		refreshes:      counter("refresh_tokens_total", "Refresh tokens presented, by outcome. Reused ones are thefts or clients that lost an answer for longer than the grace.", "outcome"),
		introspections: counter("introspections_total", "Introspection requests by outcome: active, inactive, or the OAuth error code.", "outcome"),
		revocations:    counter("revocations_total", "Revocation requests by outcome: revoked, ignored, or the OAuth error code.", "outcome"),
		refused:        counter("refusals_total", "Requests refused, by OAuth error code and by the reason that is also in the log.", "code", "reason"),
		storeFailures:  counter("store_errors_total", "Requests that failed because of the database: unavailable or timeout.", "kind"),
		requests:       counter("http_requests_total", "HTTP requests by route and class of status.", "route", "status"),
		requestSeconds: histogram("http_request_duration_seconds", "Time that HTTP requests took.", "route"),
		turnSeconds:    histogram("turn_wait_seconds", "Time that requests and signatures waited for their turn, if they had to wait and got it.", "kind"),
		inFlight:       prometheus.NewGauge(prometheus.GaugeOpts{Name: "authserver_http_requests_in_flight", Help: "HTTP requests that are being answered."}),
	}
	m.registry.MustRegister(
		m.tokens, m.tokenSeconds, m.refreshes, m.introspections, m.revocations, m.refused, m.storeFailures, m.requests, m.requestSeconds, m.inFlight, m.turnSeconds,
		buildInfo(o),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.registerGauges(o)
	begin(m.refreshes, m.outcomes)
	begin(m.introspections, labelSet{Active, Inactive})
	begin(m.revocations, labelSet{Revoked, Ignored})
	begin(m.storeFailures, storeErrors())
	return m
}

func (m *Metrics) registerGauges(o MetricsOptions) {
	if o.RoundTrips != nil {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "authserver_database_round_trips_total",
			Help: "Queries to the database. In PostgreSQL these are statements, and those that were sent together count as one. In SQLite these are transactions, and statements outside of one.",
		}, func() float64 { return float64(o.RoundTrips()) }))
	}
	if o.PasswordsInFlight != nil {
		m.registry.MustRegister(gauge("password_hashes_in_flight", "bcrypt computations that run.", o.PasswordsInFlight))
	}
	for _, gate := range o.Gates {
		m.gates = append(m.gates, gate.Kind)
		of := prometheus.Labels{"kind": gate.Kind}
		m.registry.MustRegister(
			gaugeOf("turns_in_flight", "Requests and signatures that the server works on, by kind.", of, gate.InFlight),
			gaugeOf("turns_waiting", "Requests and signatures that wait for their turn, by kind.", of, gate.Waiting),
		)
	}
	m.registerKeyGauges(o)
	m.registerFetches(o)
}

func (m *Metrics) registerFetches(o MetricsOptions) {
	for _, result := range o.DeliveryResults {
		m.registry.MustRegister(counted("logout_deliveries_total", "Attempts to send a logout token to a client, by result.",
			prometheus.Labels{"result": result}, func() int64 { return o.LogoutDeliveries(result) }))
	}
	if o.RemoteKeyFetches == nil {
		return
	}
	for source, discovery := range map[string]bool{"jwks_uri": false, "discovery": true} {
		for result, failed := range map[string]bool{"fetched": false, "failed": true} {
			m.registry.MustRegister(counted("remote_keys_fetches_total", "Fetches of the key sets of issuers and clients, by source and result.",
				prometheus.Labels{"source": source, "result": result}, func() int64 { return o.RemoteKeyFetches(discovery, failed) }))
		}
	}
}

func (m *Metrics) registerKeyGauges(o MetricsOptions) {
	if o.KeyAge != nil {
		m.registry.MustRegister(spans("signing_key_age_seconds", "How long the active key has been signing, by algorithm.", o.KeyAlgs, o.KeyAge))
	}
	if o.KeyUntilNext != nil {
		m.registry.MustRegister(spans("signing_key_next_event_seconds",
			"How long until a key is published, signs, signs no longer or is removed, by algorithm.", o.KeyAlgs, o.KeyUntilNext))
	}
	if o.SealingFailures != nil {
		const sealing = "Secrets that could not be sealed, and sealed ones that could not be opened."
		m.registry.MustRegister(
			counted("sealing_failures_total", sealing, prometheus.Labels{"operation": "seal"}, func() int64 { seals, _ := o.SealingFailures(); return seals }),
			counted("sealing_failures_total", sealing, prometheus.Labels{"operation": "open"}, func() int64 { _, opens := o.SealingFailures(); return opens }),
		)
	}
	if o.Keys == nil {
		return
	}
	for _, state := range keyStates() {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "authserver_signing_keys",
			Help:        "Signing keys by state.",
			ConstLabels: prometheus.Labels{"state": state},
		}, func() float64 { return float64(o.Keys()[state]) }))
	}
}

// Handler serves the metrics in the formats of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		Registry:            m.registry,
		ErrorHandling:       promhttp.ContinueOnError, // one broken collector must not hide the others
		MaxRequestsInFlight: 4,
	})
}

// Token counts a token request. The grant and the method are those of the request and its client
// ("": the request failed before), the outcome is [Issued] or an OAuth error code.
func (m *Metrics) Token(grant, authMethod, outcome string, took time.Duration) {
	grant, authMethod = m.grants.value(grant), m.authMethods.value(authMethod)
	outcome = m.codes.outcome(outcome, Issued)
	m.tokens.WithLabelValues(grant, authMethod, outcome).Inc()
	m.tokenSeconds.WithLabelValues(grant, authMethod, outcome).Observe(took.Seconds())
}

// Refresh counts the outcome of a refresh token.
func (m *Metrics) Refresh(outcome string) {
	m.refreshes.WithLabelValues(m.outcomes.value(outcome)).Inc()
}

// Introspection counts an introspection request: [Active], [Inactive] or an OAuth
// error code.
func (m *Metrics) Introspection(outcome string) {
	m.introspections.WithLabelValues(m.codes.outcome(outcome, Active, Inactive)).Inc()
}

// Revocation counts a revocation request: [Revoked], [Ignored] or an OAuth error
// code.
func (m *Metrics) Revocation(outcome string) {
	m.revocations.WithLabelValues(m.codes.outcome(outcome, Revoked, Ignored)).Inc()
}

// Refused counts a refusal by its OAuth error code and its reason, a slug such as "refresh_reused".
// It is called once per refused request, when the error is rendered.
func (m *Metrics) Refused(code, reason string) {
	m.refused.WithLabelValues(m.codes.value(code), m.reasons.value(reason)).Inc()
}

// StoreError counts a request that failed because of the database: unavailable or timeout.
func (m *Metrics) StoreError(kind string) {
	m.storeFailures.WithLabelValues(storeErrors().value(kind)).Inc()
}

// Waited records the time that a request waited at a gate until its turn.
func (m *Metrics) Waited(kind string, took time.Duration) {
	m.turnSeconds.WithLabelValues(m.gates.value(kind)).Observe(took.Seconds())
}

// RequestBegan counts an HTTP request as in flight until RequestEnded.
func (m *Metrics) RequestBegan() { m.inFlight.Inc() }

// RequestEnded counts an HTTP request. The route is the pattern that it matched,
// or "" for none.
func (m *Metrics) RequestEnded(route string, status int, took time.Duration) {
	m.inFlight.Dec()
	route = m.routes.value(route)
	m.requests.WithLabelValues(route, statusClass(status)).Inc()
	m.requestSeconds.WithLabelValues(route).Observe(took.Seconds())
}

func begin(c *prometheus.CounterVec, values labelSet) {
	for _, v := range values {
		c.WithLabelValues(v)
	}
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "authserver_" + name, Help: help}, labels)
}

// histogram has buckets from half a millisecond, for a signature, to ten seconds, the limit of a
// request.
func histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "authserver_" + name,
		Help:    help,
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, labels)
}

func gauge(name, help string, read func() int) prometheus.Collector {
	return gaugeOf(name, help, nil, read)
}

func gaugeOf(name, help string, labels prometheus.Labels, read func() int) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "authserver_" + name, Help: help, ConstLabels: labels}, func() float64 { return float64(read()) })
}

// durationsByAlgorithm collects durations by algorithm, of the known ones.
type durationsByAlgorithm struct {
	desc *prometheus.Desc
	algs []string
	read func(alg string) (time.Duration, bool)
}

func spans(name, help string, algs []string, read func(alg string) (time.Duration, bool)) *durationsByAlgorithm {
	return &durationsByAlgorithm{prometheus.NewDesc("authserver_"+name, help, []string{"alg"}, nil), algs, read}
}

// Describe implements prometheus.Collector.
func (s *durationsByAlgorithm) Describe(to chan<- *prometheus.Desc) { to <- s.desc }

// Collect implements prometheus.Collector.
func (s *durationsByAlgorithm) Collect(to chan<- prometheus.Metric) {
	for _, alg := range s.algs {
		if d, known := s.read(alg); known {
			to <- prometheus.MustNewConstMetric(s.desc, prometheus.GaugeValue, d.Seconds(), alg)
		}
	}
}

// counted is a counter whose value the caller keeps.
func counted(name, help string, labels prometheus.Labels, read func() int64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "authserver_" + name, Help: help, ConstLabels: labels},
		func() float64 { return float64(read()) })
}

func buildInfo(o MetricsOptions) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "authserver_build_info",
		Help:        "1, labelled with the version of the binary and of Go, and with the code that signs tokens.",
		ConstLabels: prometheus.Labels{"version": o.Version, "goversion": runtime.Version(), "signer": o.Signer},
	}, func() float64 { return 1 })
}
