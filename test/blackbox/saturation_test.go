package blackbox

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"

	"authserver/test/harness"
)

// crowded is the number of requests of each kind that are sent at the same moment, and answered is
// how long they may take, on a machine that runs other tests at the same time.
const (
	crowded  = 64
	answered = 25 * time.Second
)

// asks is a request of one kind.
type asks struct {
	kind string
	send func() harness.Answer
}

// everyKind returns one request of each grant and endpoint, ready to be sent.
func everyKind(t *testing.T, f *fixture, s *harness.Server, backend harness.Credentials) []asks {
	t.Helper()
	none := harness.Credentials{}
	session := s.MustToken(t, f.web, login())
	assertion, proof := f.bySecret(t), newHolder(t).proof(t, nil)
	byKey := sign(t, jwa.RS256, f.rsa, map[string]any{"kid": "r"}, asItself("job"))
	token := func(who harness.Credentials, parameters url.Values) func() harness.Answer {
		return func() harness.Answer { return s.Token(t, who, parameters) }
	}
	return []asks{
		{"password", token(f.web, login())},
		{"password of a public client", token(f.spa, login())},
		{"refresh_token", token(f.web, refresh(session.Text("refresh_token")))},
		{"client_credentials", token(f.batch, clientCredentials())},
		{"jwt-bearer", token(none, bearer(assertion))},
		{"token-exchange", token(backend, form("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange",
			"subject_token", session.Text("access_token"), "subject_token_type", "urn:ietf:params:oauth:token-type:access_token"))},
		{"private_key_jwt", token(none, signedBy(byKey, clientCredentials()))},
		{"DPoP", func() harness.Answer { return askWith(t, s, f.batch, clientCredentials(), proof) }},
		{"introspection of a refresh token", func() harness.Answer {
			return s.Post(t, "/oauth2/introspect", f.web, form("token", session.Text("refresh_token")))
		}},
		{"introspection", func() harness.Answer {
			return s.Post(t, "/oauth2/introspect", f.reader, form("token", session.Text("access_token")))
		}},
	}
}

// More concurrent requests than connections to the database never wait for each other: requests
// that held a connection while waiting for a second one would wait for ever. The test runs alone,
// like all below that count answers under load.
func TestMoreAtOnceThanConnections(t *testing.T) {
	for _, d := range []struct {
		name  string
		make  func(testing.TB) *harness.Deployment
		conns int
	}{{"postgres with 1", harness.PostgreSQL, 1}, {"postgres with 2", harness.PostgreSQL, 2}, {"sqlite", harness.SQLite, 1}} {
		t.Run(d.name, func(t *testing.T) {
			deployment := d.make(t)
			deployment.Set("DATABASE_MAX_CONNS", strconv.Itoa(d.conns))
			f := register(t, deployment)
			backend := f.client("backend", "--grant", "token-exchange", "--serves", apiRS256, "--scope", "read", "--resource", apiES256)
			f.JSON("", "client", "create", "--id", "job", "--auth-method", "private_key_jwt", "--jwks-file", f.File("job.jwks", jwksOf(t, f.rsa.Public(), "r")),
				"--grant", "client_credentials", "--scope", "read", "--resource", apiRS256)
			s := f.Start()
			var mixed [][]asks
			for range crowded / 8 {
				mixed = append(mixed, everyKind(t, f, s, backend))
			}
			crowd(t, mixed)
			var ready [][]asks
			for range crowded {
				ready = append(ready, everyKind(t, f, s, backend))
			}
			for kind := range ready[0] {
				var alike [][]asks
				for _, row := range ready {
					alike = append(alike, row[kind:kind+1])
				}
				crowd(t, alike)
			}
			// Revocation comes last, because it ends what the others use.
			ready = nil
			for range crowded {
				session := s.MustToken(t, f.web, login())
				ready = append(ready, []asks{
					{"revocation of a refresh token", func() harness.Answer {
						return s.Post(t, "/oauth2/revoke", f.web, form("token", session.Text("refresh_token")))
					}},
					{"revocation", func() harness.Answer {
						return s.Post(t, "/oauth2/revoke", f.web, form("token", session.Text("access_token")))
					}},
				})
			}
			crowd(t, ready)
			for _, one := range everyKind(t, f, s, backend) {
				if answer := one.send(); answer.Status != http.StatusOK {
					t.Errorf("after all that %s answers %d %s", one.kind, answer.Status, answer.Raw)
				}
			}
		})
	}
}

// crowd sends everything at the same moment, and requires all answers in time: success, or a
// request to try again.
func crowd(t *testing.T, ready [][]asks) {
	t.Helper()
	served := map[string]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	began := time.Now()
	for _, row := range ready {
		for _, one := range row {
			all.Go(func() {
				answer := one.send()
				mu.Lock()
				defer mu.Unlock()
				switch {
				case answer.Status == http.StatusOK:
					served[one.kind]++
				case refusedForNow(answer):
				default:
					t.Errorf("%s answers %d %s", one.kind, answer.Status, answer.Raw)
				}
			})
		}
	}
	all.Wait()
	if took := time.Since(began); took > answered {
		t.Errorf("it took %s", took)
	}
	for _, one := range ready[0] {
		if served[one.kind] == 0 {
			t.Errorf("of %d requests of %s none was answered", len(ready), one.kind)
		}
	}
}

// refusedForNow reports whether the answer tells the client when to try again.
func refusedForNow(answer harness.Answer) bool {
	wait, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	return (answer.Status == http.StatusServiceUnavailable || answer.Status == http.StatusTooManyRequests) &&
		answer.Text("error") == "temporarily_unavailable" && err == nil && wait > 0
}

// One kind of request that has to wait takes no place from another, and a client that exceeds its
// share is refused at once. The test runs alone.
func TestFloodIsRefusedEarly(t *testing.T) {
	d := harness.SQLite(t)
	d.Env = append(d.Env, "GOMAXPROCS=2") // the number of places follows from it
	d.Set("REQUEST_QUEUE", "4")
	f := register(t, d)
	s := f.Start()
	var sessions []harness.Answer
	for range crowded {
		sessions = append(sessions, s.MustToken(t, f.web, login()))
	}
	other := s.MustToken(t, f.spa, login())
	release := wedge(t, filepath.Join(f.Dir, "authserver.db"))

	var early, held atomic.Int64
	var all sync.WaitGroup
	for _, session := range sessions {
		all.Go(func() {
			switch answer := s.Token(t, f.web, refresh(session.Text("refresh_token"))); {
			case answer.Status == http.StatusTooManyRequests && refusedForNow(answer):
				early.Add(1)
			case answer.Status == http.StatusOK || refusedForNow(answer):
				held.Add(1)
			default:
				t.Errorf("a refresh answers %d %s", answer.Status, answer.Raw)
			}
		})
	}
	harness.Eventually(t, 4*time.Second, "most are refused while none can be served", func() bool { return early.Load() > crowded/2 })
	if held.Load() == crowded {
		t.Error("none waits for the database")
	}
	for _, who := range []harness.Credentials{f.batch, f.web} {
		s.MustToken(t, who, clientCredentials())
	}
	if !s.Active(t, f.reader, sessions[0].Text("access_token")) {
		t.Error("the token is not active")
	}
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/healthz"} {
		if answer := harness.Get(t, s.URL+path); answer.Status != http.StatusOK {
			t.Errorf("%s answers %d meanwhile", path, answer.Status)
		}
	}
	// Another client still has a place: it waits for the database like those before it.
	all.Go(func() {
		if answer := s.Token(t, f.spa, refresh(other.Text("refresh_token"))); answer.Status != http.StatusOK {
			t.Errorf("another client's refresh answers %d %s", answer.Status, answer.Raw)
		}
	})
	harness.Eventually(t, 4*time.Second, "the other client's refresh is let in", func() bool {
		return strings.Contains(string(harness.Get(t, s.OpsURL+"/metrics").Raw), `authserver_turns_in_flight{kind="refresh_token"} 11`)
	})
	release()
	all.Wait()
	s.MustToken(t, f.web, refresh(sessions[0].Text("refresh_token")))
	if metrics := string(harness.Get(t, s.OpsURL+"/metrics").Raw); !strings.Contains(metrics, `reason="client_share"`) ||
		!strings.Contains(metrics, `authserver_turns_in_flight{kind="refresh_token"} 0`) || !strings.Contains(metrics, `authserver_turns_waiting{kind="refresh_token"} 0`) {
		t.Error("the metrics do not show what was refused, or that no request waits any more")
	}
}

// A client that logs in dozens of users waits for its own requests: another client's login is next,
// however many came before. The test runs alone.
func TestClientsTakeTurns(t *testing.T) {
	d := harness.SQLite(t)
	d.Set("PASSWORD_WORKERS", "1")
	f := register(t, d)
	s := f.Start()
	// While no transaction can write, the first login has the only place.
	release := wedge(t, filepath.Join(f.Dir, "authserver.db"))
	const before = 12
	var all sync.WaitGroup
	waiting := func(n int) {
		t.Helper()
		harness.Eventually(t, 4*time.Second, strconv.Itoa(n)+" logins wait", func() bool {
			return strings.Contains(string(harness.Get(t, s.OpsURL+"/metrics").Raw), `authserver_turns_waiting{kind="password"} `+strconv.Itoa(n)+"\n")
		})
	}
	for range before {
		all.Go(func() { s.MustToken(t, f.web, login()) })
	}
	waiting(before - 1)
	all.Go(func() { s.MustToken(t, f.spa, login()) })
	waiting(before)
	release()
	all.Wait()
	served := 0
	for line := range strings.Lines(s.Logs()) {
		if strings.Contains(line, `"client_id":"spa"`) {
			break
		}
		if strings.Contains(line, `"client_id":"web"`) {
			served++
		}
	}
	// These are the login that had the place, and the login whose turn came before the other
	// client.
	if served > 2+1 { // and one whose line was written meanwhile
		t.Errorf("%d of %d logins of another client that were before it were served first", served, before)
	}
}
