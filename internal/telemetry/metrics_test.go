package telemetry

import (
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// scrape returns the lines of our own metrics in a scrape.
func scrape(t testing.TB, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("the scrape is %d, %v: %s", w.Code, err, body)
	}
	return string(body)
}

func newMetrics() *Metrics {
	return NewMetrics(MetricsOptions{
		Version:           "1.2.3",
		Signer:            "crypto of go1.26",
		Grants:            []string{"client_credentials", "password"},
		AuthMethods:       []string{"none", "client_secret_basic"},
		Routes:            []string{"/oauth2/token"},
		Codes:             []string{"invalid_grant", "invalid_client", "unsupported_token_type"},
		Refreshes:         []string{"rotated", "reused"},
		RoundTrips:        func() int64 { return 7 },
		PasswordsInFlight: func() int { return 2 },
		Gates:             []Gate{{Kind: "signature", InFlight: func() int { return 4 }, Waiting: func() int { return 5 }}},
		Keys:              func() map[string]int { return map[string]int{"active": 2, "retired": 1} },
		SealingFailures:   func() (int64, int64) { return 4, 5 },
		LogoutDeliveries:  func(string) int64 { return 7 }, DeliveryResults: []string{"delivered"},
		RemoteKeyFetches: func(discovery, failed bool) int64 {
			if discovery && failed {
				return 6
			}
			return 0
		},
	})
}

func TestMetrics(t *testing.T) {
	m := newMetrics()
	m.Token("client_credentials", "client_secret_basic", Issued, 3*time.Millisecond)
	m.Token("client_credentials", "client_secret_basic", Issued, 3*time.Millisecond)
	m.Token("password", "none", "invalid_grant", time.Second)
	m.Token("junk", "junk", "junk", time.Second)
	m.Refresh("reused")
	m.Refresh("junk")
	m.Introspection(Active)
	m.Introspection("invalid_client")
	m.Introspection("junk")
	m.Revocation(Revoked)
	m.Revocation("unsupported_token_type")
	m.Refused("invalid_grant", "refresh_reused")
	m.Refused("junk", "Not A Slug")
	m.StoreError("unavailable")
	m.StoreError("junk")
	m.Waited("signature", time.Second)
	m.Waited("junk", time.Second)
	m.RequestBegan()
	m.RequestBegan()
	m.RequestEnded("/oauth2/token", 200, time.Millisecond)
	m.RequestBegan()
	m.RequestEnded("/wp-login.php", 404, time.Millisecond)
	m.RequestBegan()
	m.RequestEnded("", 999, time.Millisecond)

	shown := scrape(t, m)
	for _, want := range []string{
		`authserver_token_requests_total{auth_method="client_secret_basic",grant="client_credentials",outcome="issued"} 2`,
		`authserver_token_requests_total{auth_method="none",grant="password",outcome="invalid_grant"} 1`,
		`authserver_token_requests_total{auth_method="other",grant="other",outcome="other"} 1`,
		`authserver_token_request_duration_seconds_bucket{auth_method="client_secret_basic",grant="client_credentials",outcome="issued",le="0.0025"} 0`,
		`authserver_token_request_duration_seconds_bucket{auth_method="client_secret_basic",grant="client_credentials",outcome="issued",le="0.005"} 2`,
		`authserver_refresh_tokens_total{outcome="reused"} 1`,
		`authserver_refresh_tokens_total{outcome="rotated"} 0`,
		`authserver_refresh_tokens_total{outcome="other"} 1`,
		`authserver_introspections_total{outcome="active"} 1`,
		`authserver_introspections_total{outcome="inactive"} 0`,
		`authserver_introspections_total{outcome="invalid_client"} 1`,
		`authserver_introspections_total{outcome="other"} 1`,
		`authserver_revocations_total{outcome="revoked"} 1`,
		`authserver_revocations_total{outcome="unsupported_token_type"} 1`,
		`authserver_refusals_total{code="invalid_grant",reason="refresh_reused"} 1`,
		`authserver_refusals_total{code="other",reason="other"} 1`,
		`authserver_store_errors_total{kind="unavailable"} 1`,
		`authserver_store_errors_total{kind="other"} 1`,
		`authserver_http_requests_total{route="/oauth2/token",status="2xx"} 1`,
		`authserver_http_requests_total{route="other",status="4xx"} 1`,
		`authserver_http_requests_total{route="other",status="other"} 1`,
		`authserver_http_request_duration_seconds_count{route="/oauth2/token"} 1`,
		`authserver_http_requests_in_flight 1`,
		`authserver_database_round_trips_total 7`,
		`authserver_password_hashes_in_flight 2`,
		`authserver_turns_in_flight{kind="signature"} 4`,
		`authserver_turns_waiting{kind="signature"} 5`,
		`authserver_turn_wait_seconds_count{kind="signature"} 1`,
		`authserver_turn_wait_seconds_count{kind="other"} 1`,
		`authserver_signing_keys{state="active"} 2`,
		`authserver_signing_keys{state="pending"} 0`,
		`authserver_sealing_failures_total{operation="seal"} 4`,
		`authserver_sealing_failures_total{operation="open"} 5`,
		`authserver_logout_deliveries_total{result="delivered"} 7`,
		`authserver_remote_keys_fetches_total{result="failed",source="discovery"} 6`,
		`authserver_remote_keys_fetches_total{result="fetched",source="jwks_uri"} 0`,
		`authserver_build_info{goversion="go1.`,
		`signer="crypto of go1.26",version="1.2.3"} 1`,
		"go_goroutines ",
		"process_open_fds ",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("the scrape lacks %s", want)
		}
	}
	if strings.Contains(shown, "junk") || strings.Contains(shown, "wp-login") {
		t.Error("a value from a request became a label")
	}
}

func TestMetricsWithoutOptions(t *testing.T) {
	m := NewMetrics(MetricsOptions{})
	m.Token("password", "none", Issued, 0)
	shown := scrape(t, m)
	if !strings.Contains(shown, `authserver_token_requests_total{auth_method="other",grant="other",outcome="issued"} 1`) {
		t.Error("a grant that is not registered is not counted as other")
	}
	for _, absent := range []string{"authserver_password_hashes", "authserver_signing_keys"} {
		if strings.Contains(shown, absent) {
			t.Errorf("the scrape has %s, which this test does not expect", absent)
		}
	}
}

// TestLabelsAreBounded sends values that an attacker could make up, and counts series.
func TestLabelsAreBounded(t *testing.T) {
	m := newMetrics()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String()
		m.Token(s.Draw(t, "grant"), s.Draw(t, "method"), s.Draw(t, "outcome"), 0)
		m.Refresh(s.Draw(t, "refresh"))
		m.Introspection(s.Draw(t, "introspection"))
		m.Revocation(s.Draw(t, "revocation"))
		m.StoreError(s.Draw(t, "store"))
		m.RequestBegan()
		m.RequestEnded(s.Draw(t, "route"), rapid.Int().Draw(t, "status"), 0)
	})
	for i := range 1000 {
		m.Refused("invalid_grant", fmt.Sprintf("reason_%d", i))
	}
	series := 0
	for line := range strings.Lines(scrape(t, m)) {
		if strings.HasPrefix(line, "authserver_refusals_total") {
			series++
		}
	}
	if series != maxReasons+1 {
		t.Errorf("1000 reasons make %d series, want %d", series, maxReasons+1)
	}
	if n := strings.Count(scrape(t, m), "authserver_"); n > maxReasons+300 {
		t.Errorf("the scrape mentions authserver_ %d times", n)
	}
}

func TestSlug(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        bool
	}{
		{"a reason is one", "refresh_reused_2", true},
		{"nothing is none", "", false},
		{"capitals make none", "Refresh", false},
		{"a space makes none", "refresh reused", false},
		{"49 bytes make none", strings.Repeat("x", 49), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := slug(c.value); got != c.want {
				t.Errorf("slug(%q) = %v", c.value, got)
			}
		})
	}
}

func TestStatusClass(t *testing.T) {
	for status, want := range map[int]string{200: "2xx", 204: "2xx", 304: "3xx", 404: "4xx", 503: "5xx", 99: other, 600: other, -1: other} {
		if got := statusClass(status); got != want {
			t.Errorf("statusClass(%d) = %s, want %s", status, got, want)
		}
	}
}

func BenchmarkToken(b *testing.B) {
	m := newMetrics()
	for b.Loop() {
		m.Token("client_credentials", "client_secret_basic", Issued, time.Millisecond)
	}
}
