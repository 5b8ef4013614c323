package blackbox

import (
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"authserver/test/harness"
	"authserver/test/pgtest"
)

// A14, A5, C6: without the database the server calls nothing invalid, uses nothing up, continues
// with what it knows, and recovers by itself. The test runs alone, because the server has five
// seconds to notice.
func TestDatabaseOutage(t *testing.T) {
	d := harness.PostgreSQL(t)
	f := register(t, d)
	wire := pgtest.NewWire(t, f.DatabaseURL())
	f.Set("DATABASE_URL", wire.URL)
	s := f.Start()
	session := s.MustToken(t, f.web, login())
	d.KeepWhatTheyRead(s)
	access := s.MustToken(t, f.batch, clientCredentials()).Text("access_token")
	s.Active(t, f.web, session.Text("access_token"))

	wire.Cut()
	s.MustToken(t, f.batch, clientCredentials())
	if !s.Active(t, f.batch, access) {
		t.Error("with the database gone a good access token is inactive")
	}
	wantError(t, s.Token(t, f.web, refresh(session.Text("refresh_token"))), http.StatusServiceUnavailable, "temporarily_unavailable")
	wantError(t, s.Token(t, f.web, login()), http.StatusServiceUnavailable, "temporarily_unavailable")
	wantError(t, s.Token(t, harness.Credentials{}, bearer(f.byKey(t, nil))), http.StatusServiceUnavailable, "temporarily_unavailable")
	wantError(t, s.Token(t, harness.Credentials{ID: "never-seen", Secret: "x"}, clientCredentials()), http.StatusServiceUnavailable, "temporarily_unavailable")
	wantError(t, s.Post(t, "/oauth2/introspect", f.web, form("token", session.Text("refresh_token"))), http.StatusServiceUnavailable, "temporarily_unavailable")
	wantError(t, s.Post(t, "/oauth2/revoke", f.batch, form("token", access)), http.StatusServiceUnavailable, "temporarily_unavailable")
	harness.Eventually(t, 5*time.Second, "the server is not ready", func() bool { return harness.Get(t, s.URL+"/readyz").Status == http.StatusServiceUnavailable })
	if answer := harness.Get(t, s.URL+"/healthz"); answer.Status != http.StatusOK {
		t.Error("the server calls itself dead, although a restart would not bring the database back")
	}
	if answer := harness.Get(t, s.URL+"/.well-known/jwks.json"); answer.Status != http.StatusOK {
		t.Error("the keys are not served")
	}

	wire.Mend()
	harness.Eventually(t, 5*time.Second, "the server is ready again", func() bool { return harness.Get(t, s.OpsURL+"/readyz").Status == http.StatusOK })
	s.MustToken(t, f.web, refresh(session.Text("refresh_token")))
	s.MustToken(t, f.web, login())
}

// C6, A6: if another transaction blocks the writer, SQLite is not ready within five seconds, and no
// request hangs. The test runs alone because of these five seconds.
func TestSQLiteWriterWedged(t *testing.T) {
	f := register(t, harness.SQLite(t))
	s := f.Start()
	session := s.MustToken(t, f.web, login())
	release := wedge(t, filepath.Join(f.Dir, "authserver.db"))
	harness.Eventually(t, 5*time.Second, "the server is not ready", func() bool { return harness.Get(t, s.URL+"/readyz").Status == http.StatusServiceUnavailable })
	s.MustToken(t, f.batch, clientCredentials())
	wantError(t, s.Token(t, f.web, refresh(session.Text("refresh_token"))), http.StatusServiceUnavailable, "temporarily_unavailable")
	release()
	harness.Eventually(t, 5*time.Second, "the server is ready again", func() bool { return harness.Get(t, s.URL+"/readyz").Status == http.StatusOK })
	s.MustToken(t, f.web, refresh(session.Text("refresh_token")))
}

// A6: many concurrent grants of all kinds never meet a busy database, even with only one connection
// to it: no request needs a second one. The test runs alone, because a request waits for a
// connection for five seconds at most.
func TestManyGrantsAtOnce(t *testing.T) {
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		d.Set("DATABASE_MAX_CONNS", "1")
		f := register(t, d)
		s := f.Start()
		var group sync.WaitGroup
		for worker := range 16 {
			group.Go(func() {
				answer := letIn(t, func() harness.Answer { return s.Token(t, f.web, login()) })
				if answer.Status != http.StatusOK {
					t.Errorf("a login is answered %d %s", answer.Status, answer.Raw)
				}
				token := answer.Text("refresh_token")
				for range 10 {
					switch worker % 2 {
					case 0:
						token = s.MustToken(t, f.web, refresh(token)).Text("refresh_token")
					case 1:
						s.MustToken(t, f.batch, clientCredentials())
						s.MustToken(t, harness.Credentials{}, bearer(f.bySecret(t)))
					}
				}
			})
		}
		group.Wait()
	})
}

// heldLogin begins a login that waits for the database until it is released.
func heldLogin(t *testing.T, f *fixture, s *harness.Server) (answers <-chan harness.Answer, release func()) {
	t.Helper()
	release = wedge(t, filepath.Join(f.Dir, "authserver.db"))
	answered := make(chan harness.Answer, 1)
	go func() { answered <- s.Token(t, f.web, login()) }()
	harness.Eventually(t, 5*time.Second, "the login is under way", func() bool {
		return strings.Contains(string(harness.Get(t, s.OpsURL+"/metrics").Raw), `authserver_turns_in_flight{kind="password"} 1`)
	})
	return answered, release
}

// A server that stops answers the requests that it has begun. The test runs alone, because the
// login may be held for five seconds at most.
func TestDrain(t *testing.T) {
	f := register(t, harness.SQLite(t))
	s := f.Start()
	answers, release := heldLogin(t, f, s)
	codes := make(chan int, 1)
	go func() { codes <- s.Stop() }()
	harness.Eventually(t, 5*time.Second, "the server takes no more connections", func() bool {
		connection, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err == nil {
			_ = connection.Close()
		}
		return err != nil
	})
	release()
	code := <-codes
	if answer := <-answers; answer.Status != http.StatusOK {
		t.Errorf("the login that was under way got %d %s", answer.Status, answer.Raw)
	}
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// C8: the metrics distinguish grants, methods and outcomes, and a caller cannot make new time
// series.
func TestMetrics(t *testing.T) {
	t.Parallel()
	f := register(t, harness.SQLite(t))
	s := f.Start()
	s.MustToken(t, f.batch, clientCredentials())
	s.Token(t, f.batch, clientCredentials("scope", "nonsense"))
	s.Token(t, f.batch, form("grant_type", "made-up-by-a-stranger"))
	s.Token(t, harness.Credentials{ID: "web", Secret: "wrong"}, refresh("art_forged")) // the token was not used
	s.Token(t, f.web, refresh("art_forged"))
	app := f.client("web-app", "--grant", "authorization_code", "--redirect-uri", appCallback)
	harness.Get(t, s.URL+"/oauth2/authorize?prompt=none&response_type=code&code_challenge_method=S256&code_challenge="+
		oauth2.S256ChallengeFromVerifier(oauth2.GenerateVerifier())+"&"+form("client_id", app.ID, "redirect_uri", appCallback).Encode())
	harness.Get(t, s.URL+"/oauth2/authorize?response_type=made-up-by-a-stranger&"+form("client_id", app.ID, "redirect_uri", appCallback).Encode())
	harness.Get(t, s.URL+"/made-up-by-a-stranger")
	metrics := string(harness.Get(t, s.OpsURL+"/metrics").Raw)
	for _, want := range []string{
		`authserver_token_requests_total{auth_method="client_secret_basic",grant="client_credentials",outcome="issued"} 1`,
		`authserver_token_requests_total{auth_method="client_secret_basic",grant="client_credentials",outcome="invalid_scope"} 1`,
		`authserver_token_request_duration_seconds_count{auth_method="client_secret_basic",grant="client_credentials",outcome="issued"} 1`,
		`authserver_token_requests_total{auth_method="client_secret_basic",grant="refresh_token",outcome="invalid_client"} 1`,
		`authserver_refresh_tokens_total{outcome="forged"} 1`,
		`authserver_refresh_tokens_total{outcome="put_back"} 0`,
		`authserver_refusals_total{code="login_required",reason="login_required"} 1`,
		`authserver_refusals_total{code="unsupported_response_type",reason=`,
		`authserver_signing_keys{state="active"} 2`,
		`authserver_build_info{`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	if strings.Contains(metrics, `authserver_refresh_tokens_total{outcome="other"}`) {
		t.Error("a request that never came to its refresh token is counted as one")
	}
	if strings.Contains(metrics, "stranger") {
		t.Error("a stranger made a time series")
	}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/admin/v1/clients"} {
		if answer := harness.Get(t, s.URL+path); answer.Status != http.StatusNotFound {
			t.Errorf("%s on the public listener answers %d", path, answer.Status)
		}
	}
	if answer := harness.Get(t, s.OpsURL+"/debug/pprof/heap?debug=1"); answer.Status != http.StatusOK {
		t.Errorf("a heap profile answers %d", answer.Status)
	}
}

// C5: servers that start together on an empty database all start, with one set of keys.
func TestStartTogetherOnAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		servers := make([]*harness.Server, 5)
		var group sync.WaitGroup
		for i := range servers {
			group.Go(func() { servers[i] = d.Start() })
		}
		group.Wait()
		harness.Eventually(t, prepared, "all publish the same keys: of each algorithm one that signs and one that is next", func() bool {
			want := kids(t, servers[0])
			return len(want) == freshKeys && !slices.ContainsFunc(servers, func(s *harness.Server) bool { return !slices.Equal(kids(t, s), want) })
		})
	})
}

// A body that comes very slowly is cut off, and delays no other client.
func TestSlowRequestsAreCutOff(t *testing.T) {
	t.Parallel()
	f := register(t, harness.SQLite(t))
	s := f.Start()
	connection, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := connection.Write([]byte("POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ngrant")); err != nil {
		t.Fatal(err)
	}
	s.MustToken(t, f.batch, clientCredentials())
	if err := connection.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(connection); err != nil {
		t.Errorf("the server holds the connection for more than the 10 s that a request may take: %v", err)
	}
}

// C9: with another master key the server does not start, and names the right one. It makes nothing
// new.
func TestWrongMasterKey(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		f.Start().Stop()
		f.Set("MASTER_KEY_FILE", f.File("other.key", f.Run("key", "generate-master")))
		_, stderr, code := f.Try("", "serve")
		if code != 1 || !strings.Contains(stderr, "master key") {
			t.Errorf("exit code %d and %q, want 1 and a word on the master key", code, stderr)
		}
	})
}
