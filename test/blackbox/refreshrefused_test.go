package blackbox

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"
	"authserver/test/pgtest"
)

// A refused refresh costs nothing: when its reason is removed, the same refresh token is valid,
// even long after the grace.
func TestARefusedRefreshMovesNothing(t *testing.T) {
	t.Parallel()
	const second = "https://second.example.com"
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		d.Set("REFRESH_GRACE", "1s")
		d.Set("JWKS_MAX_AGE", "2s")
		d.Set("KEY_POLL_INTERVAL", "4s")
		d.Set("CLOCK_SKEW", "1s")
		f := registerUnserved(t, d)
		f.Run("resource", "create", "--id", second, "--scope", "read")
		app := f.client("app", "--public", "--grant", "password", "--grant", "refresh_token", "--scope", "read", "--resource", apiRS256, "--resource", second,
			"--claim", "own="+strings.Repeat("x", 3000))
		probe := f.client("probe", "--grant", "client_credentials", "--scope", "read", "--resource", apiRS256, "--resource", second)
		s := f.Start()
		both := []string{"resource", apiRS256, "resource", second, "scope", "read"}
		reached := func(what string, status int, parameters ...string) {
			t.Helper()
			harness.Eventually(t, reached, what+" has reached the server", func() bool {
				return s.Token(t, probe, clientCredentials(parameters...)).Status == status
			})
		}
		for _, c := range []struct {
			name          string
			spoil, mend   func()
			status        int
			code          string
			probeRefuses  int // the status of the probe after the change has arrived; 0: it does not notice
			probeAccepted bool
		}{
			{
				"the resource was deleted and made again",
				func() { f.Run("resource", "delete", apiRS256, "--yes") },
				func() { f.Run("resource", "create", "--id", apiRS256, "--scope", "read", "--scope", "write") },
				http.StatusBadRequest, "invalid_target", http.StatusBadRequest, true,
			},
			{
				"two resources differ in algorithm",
				func() { f.Run("resource", "update", second, "--signing-alg", "ES256") },
				func() { f.Run("resource", "update", second, "--signing-alg", "RS256") },
				http.StatusBadRequest, "invalid_target", http.StatusBadRequest, true,
			},
			{
				"the token would be too large",
				func() { f.Run("user", "update", "alice", "--claim", "large="+strings.Repeat("x", 4000)) },
				func() { f.Run("user", "update", "alice", "--claim", "") },
				http.StatusInternalServerError, "server_error", 0, false,
			},
		} {
			token := s.MustToken(t, app, login(both...)).Text("refresh_token")
			c.spoil()
			if c.probeRefuses != 0 {
				reached(c.name, c.probeRefuses, both...)
			}
			for range 2 {
				wantError(t, s.Token(t, app, refresh(token)), c.status, c.code)
				time.Sleep(1200 * time.Millisecond) // longer than the grace
			}
			c.mend()
			if c.probeAccepted {
				reached("the end of: "+c.name, http.StatusOK, both...)
			}
			answer := s.Token(t, app, refresh(token))
			if answer.Status != http.StatusOK {
				t.Fatalf("%s: then it is %d %s", c.name, answer.Status, answer.Raw)
			}
			s.MustToken(t, app, refresh(answer.Text("refresh_token")))
		}

		token := s.MustToken(t, app, login("resource", apiRS256, "scope", "read")).Text("refresh_token")
		f.Run("resource", "delete", apiRS256, "--yes")
		if _, stderr, code := f.Try("", "resource", "create", "--id", apiRS256, "--scope", "read", "--signing-alg", "PS256"); code != 0 {
			t.Fatal(stderr) // the command warns of the refusals below
		}
		reached("the new algorithm", http.StatusServiceUnavailable, "resource", apiRS256)
		harness.Eventually(t, 30*time.Second, "a client that waits as it is told is answered", func() bool {
			answer := s.Token(t, app, refresh(token))
			if answer.Status == http.StatusOK {
				return true
			}
			wantError(t, answer, http.StatusServiceUnavailable, "temporarily_unavailable")
			wait, err := strconv.Atoi(answer.Header.Get("Retry-After"))
			if err != nil {
				t.Errorf("Retry-After: %v", err)
			}
			time.Sleep(time.Duration(wait)*time.Second + 1200*time.Millisecond) // longer than the grace
			return false
		})
	})
}

// The database carries out a refresh, and its answer is lost: the client is asked to try again, and
// is not logged out when it does, long after the grace.
func TestALostAnswerOfTheDatabase(t *testing.T) {
	t.Parallel()
	d := harness.PostgreSQL(t)
	d.Set("REFRESH_GRACE", "1s")
	f := register(t, d)
	wire := pgtest.NewWire(t, f.DatabaseURL())
	f.Set("DATABASE_URL", wire.URL)
	s := f.Start()
	var tokens []string
	for range 4 {
		token := s.MustToken(t, f.web, login()).Text("refresh_token")
		tokens = append(tokens, s.MustToken(t, f.web, refresh(token)).Text("refresh_token"))
	}
	wire.Deafen()
	answers := atOnce(len(tokens), func(i int) harness.Answer { return s.Token(t, f.web, refresh(tokens[i])) })
	for _, answer := range answers {
		wantError(t, answer, http.StatusServiceUnavailable, "temporarily_unavailable")
	}
	wire.Mend()
	harness.Eventually(t, reached, "the server is ready again", func() bool { return harness.Get(t, s.OpsURL+"/readyz").Status == http.StatusOK })
	time.Sleep(1200 * time.Millisecond)
	for _, token := range tokens {
		if answer := s.Token(t, f.web, refresh(token)); answer.Status != http.StatusOK {
			t.Errorf("then it is %d %s", answer.Status, answer.Raw)
		}
	}
}
