package isolation

import (
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"authserver/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	apiRS256 = "https://rs.example.com"
	during   = 3 * time.Second
	gentle   = 50 // requests a second of the one whom the others must not disturb
	flooding = 64 // connections of one who floods
)

// stage is a server with two clients of its own.
type stage struct {
	address         string
	polite, flooder harness.Credentials
}

func newStage(b *testing.B) stage {
	b.Helper()
	d := harness.SQLite(b)
	d.Set("BCRYPT_COST", "12")
	d.Binary = os.Getenv("ISOLATION_BINARY") // another build to compare with, or a script that runs one on a core
	d.Run("migrate", "up")
	d.Run("resource", "create", "--id", apiRS256, "--scope", "read")
	var who []harness.Credentials
	for _, id := range []string{"polite", "flooder"} {
		made := d.JSON("", "client", "create", "--id", id, "--scope", "read", "--resource", apiRS256,
			"--grant", "client_credentials", "--grant", "password", "--grant", "refresh_token")
		secret, _ := made["client_secret"].(string)
		who = append(who, harness.Credentials{ID: id, Secret: secret})
	}
	d.RunWith("wonderland\n", "user", "create", "--username", "alice", "--password-stdin")
	server := d.Start()
	return stage{strings.TrimPrefix(server.URL, "http://"), who[0], who[1]}
}

func (s stage) clientCredentials(who harness.Credentials, rate, conns int) asking {
	return asking{s.address, post(who, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "resource": {apiRS256}}), rate, conns}
}

func (s stage) logins(who harness.Credentials, rate, conns int) asking {
	form := url.Values{"grant_type": {"password"}, "username": {"alice"}, "password": {"wonderland"}, "resource": {apiRS256}}
	return asking{s.address, post(who, "/oauth2/token", form), rate, conns}
}

func (s stage) keySet(rate, conns int) asking {
	return asking{s.address, "GET /.well-known/jwks.json HTTP/1.1\r\nHost: localhost\r\n\r\n", rate, conns}
}

// BenchmarkIsolation is run once by make bench-isolation.
func BenchmarkIsolation(b *testing.B) {
	s := newStage(b)
	s.clientCredentials(s.polite, 200, 4).run(time.Second) // warm up
	peak := s.clientCredentials(s.polite, 1_000_000, 16).run(during).goodput()
	asMany := 1_000_000 // as there are connections for
	for _, row := range []struct {
		name  string
		who   asking
		flood asking
	}{
		{"client_credentials/quiet", s.clientCredentials(s.polite, gentle, 8), asking{}},
		{"client_credentials/logins", s.clientCredentials(s.polite, gentle, 8), s.logins(s.flooder, 500, flooding)},
		{"client_credentials/flood", s.clientCredentials(s.polite, gentle, 8), s.clientCredentials(s.flooder, asMany, flooding)},
		{"password/quiet", s.logins(s.polite, 1, 8), asking{}},
		{"password/logins", s.logins(s.polite, 1, 8), s.logins(s.flooder, 500, flooding)},
		{"password/flood", s.logins(s.polite, 1, 8), s.clientCredentials(s.flooder, asMany, flooding)},
		{"jwks/quiet", s.keySet(gentle, 8), asking{}},
		{"jwks/logins", s.keySet(gentle, 8), s.logins(s.flooder, 500, flooding)},
		{"jwks/flood", s.keySet(gentle, 8), s.clientCredentials(s.flooder, asMany, flooding)},
	} {
		b.Run(row.name, func(b *testing.B) {
			for range b.N {
				report(b, beside(b, row.flood, row.who))
			}
		})
	}
	for _, times := range []float64{0.5, 1, 2, 3, 4, 5} {
		b.Run("overload/"+strconv.FormatFloat(times, 'g', -1, 64)+"x", func(b *testing.B) {
			for range b.N {
				got := s.clientCredentials(s.flooder, int(times*peak), 512).run(during)
				report(b, got)
				b.ReportMetric(got.goodput()/peak, "of-peak")
			}
		})
	}
}

// beside asks while another floods.
func beside(b *testing.B, flood, who asking) answers {
	b.Helper()
	var others sync.WaitGroup
	if flood.rate > 0 {
		others.Go(func() {
			if got := flood.run(during + time.Second); got.other > 0 {
				b.Errorf("%d requests of the flood failed: %s", got.other, got.first)
			}
		})
		time.Sleep(500 * time.Millisecond)
	}
	got := who.run(during)
	others.Wait()
	return got
}

func report(b *testing.B, got answers) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(got.goodput(), "good/s")
	b.ReportMetric(float64(got.refused)/got.lasted.Seconds(), "refused/s")
	b.ReportMetric(float64(got.other), "failed")
	b.ReportMetric(float64(got.percentile(50).Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(got.percentile(99).Microseconds())/1000, "p99-ms")
	if got.other > 0 {
		b.Errorf("%d requests failed: %s", got.other, got.first)
	}
}
