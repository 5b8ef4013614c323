package docs

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/telemetry"
)

// TestMetrics: docs/operations.md has each metric with its labels, and no other.
func TestMetrics(t *testing.T) {
	none := func() int { return 0 }
	m := telemetry.NewMetrics(telemetry.MetricsOptions{
		PasswordsInFlight: none, PasswordsWaiting: none, Keys: func() map[string]int { return nil },
	})
	// What has no values yet is not told.
	m.Token("", "", telemetry.Issued, time.Second)
	m.Refused("invalid_grant", "refresh_reused")
	m.RequestBegan()
	m.RequestEnded("", http.StatusOK, time.Second)
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))

	want := make(map[string][]string)
	suffix := regexp.MustCompile(`_(bucket|sum|count)$`)
	for _, found := range regexp.MustCompile(`(?m)^(authserver_\w+)(?:\{(.*)\})? `).FindAllStringSubmatch(recorder.Body.String(), -1) {
		name := suffix.ReplaceAllString(found[1], "")
		labels := []string{}
		for _, label := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(found[2], -1) {
			if label[1] != "le" {
				labels = append(labels, label[1])
			}
		}
		slices.Sort(labels)
		want[name] = labels
	}

	got := make(map[string][]string)
	for _, row := range readPage(t, "docs/operations.md").rows("metric") {
		labels := regexp.MustCompile(`\w+`).FindAllString(row[1], -1)
		slices.Sort(labels)
		got[row[0]] = append([]string{}, labels...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the metrics of the code and of docs/operations.md differ (-code +page):\n%s", diff)
	}
}
