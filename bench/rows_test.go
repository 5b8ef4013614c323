package bench

import (
	"net/http"
	"net/url"
	"runtime"
	"testing"
	"time"

	"authserver/bench/load"
	"authserver/internal/keys"
	"authserver/test/harness"
)

// row is a kind of request that is measured.
type row struct {
	name string
	// engines are those on which it is measured: what asks no database, on one.
	engines []string
	trips   float64 // to the database, at most
	job     func(b testing.TB, s *stage, duration time.Duration) load.Job
}

// connections is how many requests there are at once.
const connections = 16

// most is more requests than a second can bring, of those that are good once.
const most = 6000

func rows() []row {
	one, both := []string{"postgres"}, []string{"postgres", "sqlite"}
	return []row{
		{"client_credentials RS256", one, 0, again(func(b testing.TB, s *stage) []byte {
			return s.token(b, "/oauth2/token", clientCredentials(apiRS256))
		})},
		{"client_credentials ES256", one, 0, again(func(b testing.TB, s *stage) []byte {
			return s.token(b, "/oauth2/token", clientCredentials(apiES256))
		})},
		{"password", both, 2, logins},
		{"refresh", both, 1, refreshing},
		{"jwt-bearer RS256", both, 2, once(most/4, func(b testing.TB, s *stage) []byte { return s.bearer(b, keys.RS256, apiRS256) })},
		{"jwt-bearer ES256", both, 2, once(most, func(b testing.TB, s *stage) []byte { return s.bearer(b, keys.ES256, apiES256) })},
		{"private_key_jwt", both, 1, once(most, func(b testing.TB, s *stage) []byte { return s.keyed(b) })},
		{"DPoP", both, 1, once(most, func(b testing.TB, s *stage) []byte { return s.proving(b) })},
		{"introspection", one, 0, once(most, introspecting)},
		{"introspection, again", one, 0, again(introspecting)}, // as an API asks that gets many requests with a token
		{"revocation", both, 1, once(most, func(b testing.TB, s *stage) []byte {
			return s.token(b, "/oauth2/revoke", url.Values{"token": {s.issued(b)}})
		})},
		{"authorize", both, 2, authorizing},
		{"authorization_code", both, 1, redeeming},
		{"userinfo", one, 0, userinfo},
		{"login page", one, 0, loginPage},
		{"JWKS", one, 0, again(func(b testing.TB, s *stage) []byte { return s.get(b, jwks) })},
		{"JWKS, 304", one, 0, again(func(b testing.TB, s *stage) []byte {
			return s.get(b, jwks, "If-None-Match", harness.Get(b, s.URL+jwks).Header.Get("ETag"))
		})},
	}
}

const jwks = "/.well-known/jwks.json"

// again is a request that is sent over and over.
func again(request func(testing.TB, *stage) []byte) func(testing.TB, *stage, time.Duration) load.Job {
	return func(b testing.TB, s *stage, duration time.Duration) load.Job {
		return load.Job{Connections: connections, Duration: duration, Requests: [][]byte{request(b, s)}}
	}
}

// logins are as many at once as there are processors: bcrypt takes no more, and the
// queue before it is short.
func logins(b testing.TB, s *stage, duration time.Duration) load.Job {
	return load.Job{Connections: runtime.NumCPU(), Duration: duration, Requests: [][]byte{s.token(b, "/oauth2/token", login())}}
}

// once is requests that are good once each; most is how many a second may take.
func once(most int, request func(testing.TB, *stage) []byte) func(testing.TB, *stage, time.Duration) load.Job {
	return func(b testing.TB, s *stage, duration time.Duration) load.Job {
		total := max(connections, int(float64(most)*duration.Seconds()))
		job := load.Job{Connections: connections, Duration: duration, Total: total}
		for range total {
			job.Requests = append(job.Requests, request(b, s))
		}
		return job
	}
}

// refreshing is a family of refresh tokens for each connection.
func refreshing(b testing.TB, s *stage, duration time.Duration) load.Job {
	job := load.Job{Connections: connections, Duration: duration}
	for range connections {
		token := s.ask(b, login()).Text("refresh_token")
		job.Chain = append(job.Chain, token)
		job.Requests = append(job.Requests, s.token(b, "/oauth2/token", refresh(token)))
	}
	return job
}

// introspecting asks for an access token that the server has not been asked for before.
func introspecting(b testing.TB, s *stage) []byte {
	return s.token(b, "/oauth2/introspect", url.Values{"token": {s.issued(b)}})
}

// issued is an access token.
func (s *stage) issued(b testing.TB) string {
	return s.ask(b, clientCredentials(apiES256)).Text("access_token")
}

func (s *stage) ask(b testing.TB, form url.Values) harness.Answer {
	b.Helper()
	answer := s.Token(b, s.client, form)
	if answer.Status != http.StatusOK {
		b.Fatalf("%d %s", answer.Status, answer.Raw)
	}
	return answer
}
