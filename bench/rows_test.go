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

// row is a measured kind of request.
type row struct {
	name string
	// engines are those on which the row is measured; a request without queries needs only one.
	engines []string
	trips   float64 // to the database, at most
	job     func(b testing.TB, s *stage, duration time.Duration) load.Job
}

// connections is the number of concurrent requests.
const connections = 16

// most is more than the requests that a second can take, for requests that are good once.
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
		{"introspection, again", one, 0, again(introspecting)}, // like an API that gets many requests with one token
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

// again is a request that is sent again and again.
func again(request func(testing.TB, *stage) []byte) func(testing.TB, *stage, time.Duration) load.Job {
	return func(b testing.TB, s *stage, duration time.Duration) load.Job {
		return load.Job{Connections: connections, Duration: duration, Requests: [][]byte{request(b, s)}}
	}
}

// logins are as many concurrent logins as processors: bcrypt runs no more, and the queue is short.
func logins(b testing.TB, s *stage, duration time.Duration) load.Job {
	return load.Job{Connections: runtime.NumCPU(), Duration: duration, Requests: [][]byte{s.token(b, "/oauth2/token", login())}}
}

// once is requests that are good once each; most is the largest number a second.
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

// introspecting introspects an access token that the server has not seen before.
func introspecting(b testing.TB, s *stage) []byte {
	return s.token(b, "/oauth2/introspect", url.Values{"token": {s.issued(b)}})
}

// issued returns an access token.
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
