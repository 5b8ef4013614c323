package blackbox

import (
	"regexp"
	"strconv"
	"testing"
	"time"

	"authserver/test/harness"
)

// metric reads a number from /metrics.
func metric(t *testing.T, s *harness.Server, name string) float64 {
	t.Helper()
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindSubmatch(harness.Get(t, s.OpsURL+"/metrics").Raw)
	if found == nil {
		t.Fatalf("/metrics has no %s", name)
	}
	value, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// The metrics have the age of each algorithm's key and the time of its next event, so that an
// operator sees a missing rotation before it does harm.
func TestKeyMetrics(t *testing.T) {
	t.Parallel()
	const late = 60 // seconds that the machine may take between two readings
	d := harness.SQLite(t)
	d.Set("KEY_ROTATION_INTERVAL", "2h")
	a := registerAPIs(t, d, everyAlg...)
	s := a.Start()
	waitForSet(t, everyKey, s)
	states := func(want map[string]float64) {
		t.Helper()
		harness.Eventually(t, reached, "the keys are counted by state", func() bool {
			for state, n := range want {
				if metric(t, s, `authserver_signing_keys{state="`+state+`"}`) != n {
					return false
				}
			}
			return true
		})
	}
	states(map[string]float64{"pending": 5, "active": 5, "retired": 0})
	for _, alg := range everyAlg {
		active := mustBeInState(t, d, alg, "active")
		from := time.Since(*active.ActiveAt).Seconds()
		if age := metric(t, s, `authserver_signing_key_age_seconds{alg="`+alg+`"}`); age < from || age > from+late {
			t.Errorf("the %s key is %v s old, want %v", alg, age, from)
		}
		left := time.Until(*active.RetiredAt).Seconds()
		if next := metric(t, s, `authserver_signing_key_next_event_seconds{alg="`+alg+`"}`); next > left || next < left-late || left < 7000 {
			t.Errorf("something happens to the %s key in %v s, want %v", alg, next, left)
		}
	}
	d.Run("key", "rotate", "--now", "--yes", "--alg", "ES384")
	states(map[string]float64{"pending": 5, "active": 5, "retired": 1})
	if age := metric(t, s, `authserver_signing_key_age_seconds{alg="ES384"}`); age > late {
		t.Errorf("the new ES384 key is %v s old", age)
	}
	d.Run("key", "revoke", "--reason", "drill", "--yes", "--", mustBeInState(t, d, "ES384", "retired").KID)
	states(map[string]float64{"pending": 5, "active": 5, "retired": 0})
}
