package bench

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"authserver/bench/floor"
	"authserver/bench/load"
	"authserver/test/harness"
)

const (
	asking   = 3 * time.Second // how long each measurement takes
	gentle   = 50              // requests a second of the client that the others must not disturb
	flooding = 64              // connections of the client that floods
)

// BenchmarkIsolation measures how much the requests of one client disturb those of others: how long
// client_credentials, a login and the key set take during a flood of logins or of another client's
// requests, and how many requests still succeed at several times the peak. make bench-isolation
// runs it. The server and the load are processes of their own, and the numbers mean most if each
// has a core of its own.
func BenchmarkIsolation(b *testing.B) {
	s := newStage(b, harness.SQLite(b), floor.BcryptCost)
	flooder := *s
	flooder.client = s.newClient(b, "flooder")
	credentials := func(s *stage) []byte { return s.token(b, "/oauth2/token", clientCredentials(apiRS256)) }
	logins := func(s *stage) []byte { return s.token(b, "/oauth2/token", login()) }
	job := func(request []byte, rate, connections int) load.Job {
		return load.Job{Address: s.address, Requests: [][]byte{request}, Rate: rate, Connections: connections, Duration: asking}
	}
	floods := map[string]load.Job{
		"logins": job(logins(&flooder), 500, flooding),
		"flood":  job(credentials(&flooder), 0, flooding),
	}
	for _, who := range []struct {
		name string
		job  load.Job
	}{
		{"client_credentials", job(credentials(s), gentle, 8)},
		{"password", job(logins(s), 1, 8)},
		{"JWKS", job(s.get(b, jwks), gentle, 8)},
	} {
		for _, beside := range []string{"quiet", "logins", "flood"} {
			b.Run(who.name+"/"+beside, func(b *testing.B) { shed(b, disturbed(b, who.job, floods[beside])) })
		}
	}
	peak := answer[load.Result](b, job(credentials(s), 0, connections), "load").PerSecond()
	for _, times := range []float64{0.5, 1, 2, 3, 4, 5} {
		b.Run("overload/"+strconv.FormatFloat(times, 'g', -1, 64)+"x", func(b *testing.B) {
			got := answer[load.Result](b, job(credentials(&flooder), int(times*peak), 512), "load")
			shed(b, got)
			b.ReportMetric(got.PerSecond()/peak, "of-peak")
		})
	}
}

// newClient registers a client with every grant.
func (s *stage) newClient(b testing.TB, id string) harness.Credentials {
	b.Helper()
	made := s.deployment.JSON("", "client", "create", "--id", id, "--scope", "read", "--resource", apiRS256, "--resource", apiES256,
		"--grant", "client_credentials", "--grant", "password", "--grant", "refresh_token", "--grant", "jwt-bearer")
	return harness.Credentials{ID: id, Secret: fmt.Sprint(made["client_secret"])}
}

// disturbed sends a job while another client floods.
func disturbed(b *testing.B, job, flood load.Job) load.Result {
	b.Helper()
	if flood.Connections > 0 {
		flood.Duration += time.Second
		ended := begin[load.Result](b, flood, "load")
		defer ended()
		time.Sleep(time.Second / 2)
	}
	return answer[load.Result](b, job, "load")
}

// shed reports a result in which the server may have refused some requests under overload, and no
// others.
func shed(b *testing.B, got load.Result) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(got.PerSecond(), "good/s")
	b.ReportMetric(float64(got.Shed)/got.Took.Seconds(), "refused/s")
	b.ReportMetric(float64(got.P50.Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(got.P99.Microseconds())/1000, "p99-ms")
	if got.Refused > got.Shed {
		b.Errorf("%d requests failed: %s", got.Refused-got.Shed, got.First)
	}
}
