package docs

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
	"authserver/internal/telemetry"
)

// metrics returns each metric of the server, and its labels.
func metrics(t *testing.T) map[string][]string {
	t.Helper()
	none := func() int { return 0 }
	span := func(string) (time.Duration, bool) { return time.Hour, true }
	m := telemetry.NewMetrics(telemetry.MetricsOptions{
		Gates:      []telemetry.Gate{{Kind: "password", InFlight: none, Waiting: none}},
		RoundTrips: func() int64 { return 0 }, PasswordsInFlight: none, Keys: func() map[string]int { return nil },
		KeyAlgs: keys.Algorithms(), KeyAge: span, KeyUntilNext: span, SealingFailures: func() (int64, int64) { return 0, 0 },
		RemoteKeyFetches: func(bool, bool) int64 { return 0 },
		LogoutDeliveries: func(string) int64 { return 0 }, DeliveryResults: []string{"delivered"},
	})
	// The output does not have metrics without values.
	m.Token("", "", telemetry.Issued, time.Second)
	m.Refresh("reused")
	m.Refused("invalid_grant", "refresh_reused")
	m.Waited("password", time.Second)
	m.RequestBegan()
	m.RequestEnded("", http.StatusOK, time.Second)
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))

	found := make(map[string][]string)
	suffix := regexp.MustCompile(`_(bucket|sum|count)$`)
	for _, line := range regexp.MustCompile(`(?m)^(authserver_\w+)(?:\{(.*)\})? `).FindAllStringSubmatch(recorder.Body.String(), -1) {
		name := suffix.ReplaceAllString(line[1], "")
		labels := []string{}
		for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(line[2], -1) {
			if label[1] != "le" {
				labels = append(labels, label[1])
			}
		}
		slices.Sort(labels)
		found[name] = labels
	}
	return found
}

// TestMetrics: docs/operations.md has each metric with its labels, and no others.
func TestMetrics(t *testing.T) {
	got := make(map[string][]string)
	for _, row := range readPage(t, "docs/operations.md").rows("metric") {
		labels := regexp.MustCompile(`\w+`).FindAllString(row[1], -1)
		slices.Sort(labels)
		got[row[0]] = append([]string{}, labels...)
	}
	if diff := cmp.Diff(metrics(t), got); diff != "" {
		t.Errorf("the metrics of the code and of docs/operations.md differ (-code +page):\n%s", diff)
	}
}
