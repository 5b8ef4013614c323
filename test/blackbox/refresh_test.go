package blackbox

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"authserver/test/harness"
)

// A1: any number of concurrent refreshes with one token, at several replicas, all get the same
// successor, and no error. The test runs alone, because all must come within the grace.
func TestParallelRefreshesConverge(t *testing.T) {
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		replicas := []*harness.Server{f.Start(), f.Start(), f.Start()}
		token := replicas[0].MustToken(t, f.web, login()).Text("refresh_token")
		for round := range 3 {
			successors := make(map[string]int)
			var mu sync.Mutex
			var group sync.WaitGroup
			for i := range 64 {
				group.Go(func() {
					answer := letIn(t, func() harness.Answer { return replicas[i%len(replicas)].Token(t, f.web, refresh(token)) })
					mu.Lock()
					defer mu.Unlock()
					if answer.Status != http.StatusOK {
						t.Errorf("round %d: %d %s", round, answer.Status, answer.Raw)
					}
					successors[answer.Text("refresh_token")]++
				})
			}
			group.Wait()
			if len(successors) != 1 {
				t.Fatalf("round %d: %d different successors, want 1", round, len(successors))
			}
			for token = range successors {
			}
		}
	})
}

// A2, A3: a lost answer logs no user out; a replay after the grace ends the family with its access
// tokens, everywhere, and the log says so. The test runs alone, because the grace is a second.
func TestRetryAndReuse(t *testing.T) {
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		s, other := f.Start(), f.Start()
		first := s.MustToken(t, f.web, login())
		lost := s.MustToken(t, f.web, refresh(first.Text("refresh_token")))
		retried := other.MustToken(t, f.web, refresh(first.Text("refresh_token")))
		if retried.Text("refresh_token") != lost.Text("refresh_token") {
			t.Fatal("a retry within the grace gets another successor")
		}
		last := s.MustToken(t, f.web, refresh(retried.Text("refresh_token")))
		if !other.Active(t, f.reader, last.Text("access_token")) {
			t.Fatal("the access token is not active before the reuse")
		}

		answer := s.Token(t, f.web, refresh(first.Text("refresh_token")))
		wantError(t, answer, http.StatusBadRequest, "invalid_grant")
		wantError(t, s.Token(t, f.web, refresh(last.Text("refresh_token"))), http.StatusBadRequest, "invalid_grant")
		for _, replica := range []*harness.Server{s, other} {
			harness.Eventually(t, 2*time.Second, "the family's access tokens are inactive", func() bool {
				return !replica.Active(t, f.reader, last.Text("access_token")) && !replica.Active(t, f.web, first.Text("access_token"))
			})
		}
		wantLog(t, s, `"reason":"refresh_reused"`, answer.Header.Get("X-Request-Id"))
	})
}

// A4: a used token stays used after a restart.
func TestReuseAfterRestart(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		d.Set("REFRESH_GRACE", "0s")
		f := register(t, d)
		s := f.Start()
		first := s.MustToken(t, f.web, login()).Text("refresh_token")
		s.MustToken(t, f.web, refresh(first))
		s.Kill()
		s = f.Start()
		wantError(t, s.Token(t, f.web, refresh(first)), http.StatusBadRequest, "invalid_grant")
	})
}

// A4: if a refresh and a revocation race, the revocation wins in the end.
func TestRefreshRacesRevocation(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		s := f.Start()
		for range 30 {
			token := s.MustToken(t, f.web, login()).Text("refresh_token")
			var refreshed harness.Answer
			var group sync.WaitGroup
			group.Go(func() { refreshed = s.Token(t, f.web, refresh(token)) })
			group.Go(func() {
				if answer := s.Post(t, "/oauth2/revoke", f.web, form("token", token)); answer.Status != http.StatusOK {
					t.Errorf("revocation answered %d %s", answer.Status, answer.Raw)
				}
			})
			group.Wait()
			wantError(t, s.Token(t, f.web, refresh(token)), http.StatusBadRequest, "invalid_grant")
			if refreshed.Status == http.StatusOK {
				wantError(t, s.Token(t, f.web, refresh(refreshed.Text("refresh_token"))), http.StatusBadRequest, "invalid_grant")
			}
		}
	})
}

// A refresh may limit scope and resource, but never extend them (RFC 6749 section 6, RFC 8707
// section 2.2). The next refresh may have all of them again.
func TestRefreshNarrows(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		s := f.Start()
		first := s.MustToken(t, f.web, login("scope", "read write"))
		narrow := s.MustToken(t, f.web, refresh(first.Text("refresh_token"), "scope", "read"))
		if narrow.Text("scope") != "read" {
			t.Errorf("scope is %q, want read", narrow.Text("scope"))
		}
		whole := s.MustToken(t, f.web, refresh(narrow.Text("refresh_token")))
		if whole.Text("scope") != "read write" {
			t.Errorf("scope is %q, want what was granted, read write", whole.Text("scope"))
		}
		wantError(t, s.Token(t, f.web, refresh(whole.Text("refresh_token"), "scope", "read write admin")), http.StatusBadRequest, "invalid_scope")
		wantError(t, s.Token(t, f.web, refresh(whole.Text("refresh_token"), "resource", apiES256)), http.StatusBadRequest, "invalid_target")
		s.MustToken(t, f.web, refresh(whole.Text("refresh_token"), "resource", apiRS256))
	})
}

// If another client presents the token, it is refused, and the family stays valid.
func TestAnotherClientsRefreshToken(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		s := f.Start()
		token := s.MustToken(t, f.web, login()).Text("refresh_token")
		answer := s.Token(t, f.spa, refresh(token))
		wantError(t, answer, http.StatusBadRequest, "invalid_grant")
		wantLog(t, s, `"reason":"refresh_wrong_client"`, answer.Header.Get("X-Request-Id"))
		s.MustToken(t, f.web, refresh(token))
	})
}
