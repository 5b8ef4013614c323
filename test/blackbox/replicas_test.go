package blackbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/test/harness"
)

// promised is how long a change may take to reach every server.
const promised = 2 * time.Second

// reached is how long a change may take to reach every server while other tests run, in tests that
// are not about time. Tests that check [promised] run alone.
const reached = 20 * time.Second

// Two servers on one database behave as one: refreshes alternate between them, and each sees a
// rotation by a command and a revocation through the other. The test runs alone, because it checks
// the time of [promised].
func TestReplicas(t *testing.T) {
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		replicas := []*harness.Server{f.Start(), f.Start()}
		login := replicas[0].MustToken(t, f.web, login())

		token := login.Text("refresh_token")
		for i := range 10 {
			answer := replicas[i%2].MustToken(t, f.web, refresh(token))
			replicas[(i+1)%2].Verify(t, answer.Text("access_token"), apiRS256)
			token = answer.Text("refresh_token")
		}

		var before []string
		harness.Eventually(t, prepared, "the next keys are prepared", func() bool {
			before = kids(t, replicas[0])
			return len(before) == freshKeys && slices.Equal(before, kids(t, replicas[1]))
		})
		f.Run("key", "rotate")
		for _, replica := range replicas {
			harness.Eventually(t, promised, "a replica publishes the rotated keys", func() bool { return len(kids(t, replica)) == len(before)+len(usualAlgs) })
		}
		after := kids(t, replicas[0])
		if !slices.Equal(after, kids(t, replicas[1])) {
			t.Error("the replicas publish different keys")
		}
		answer := replicas[1].MustToken(t, f.batch, clientCredentials())
		if kid := kidOf(t, answer.Text("access_token")); !slices.Contains(before, kid) {
			t.Error("a new key signs before verifiers can have seen it")
		}

		access := answer.Text("access_token")
		if !replicas[0].Active(t, f.batch, access) || !replicas[1].Active(t, f.reader, access) {
			t.Fatal("the token is not active before it is revoked")
		}
		if answer := replicas[0].Post(t, "/oauth2/revoke", f.batch, form("token", access)); answer.Status != http.StatusOK {
			t.Fatalf("revocation answered %d %s", answer.Status, answer.Raw)
		}
		if replicas[0].Active(t, f.batch, access) {
			t.Error("the replica that revoked the token calls it active")
		}
		harness.Eventually(t, promised, "the other replica calls the revoked token inactive", func() bool { return !replicas[1].Active(t, f.reader, access) })

		if answer := replicas[1].Post(t, "/oauth2/revoke", f.web, form("token", token)); answer.Status != http.StatusOK {
			t.Fatalf("revocation answered %d %s", answer.Status, answer.Raw)
		}
		wantError(t, replicas[0].Token(t, f.web, refresh(token)), http.StatusBadRequest, "invalid_grant")
		harness.Eventually(t, promised, "revoking a refresh token revokes the access tokens of its family", func() bool {
			return !replicas[0].Active(t, f.reader, login.Text("access_token"))
		})
	})
}

// A change by an administrator's command reaches a running server in time. The test runs alone,
// because it checks the time of [promised].
func TestCommandsReachRunningServers(t *testing.T) {
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		s := f.Start()
		eventually := func(what string, status int, send func() harness.Answer) {
			t.Helper()
			harness.Eventually(t, promised, what, func() bool {
				answered := send().Status == status
				if !answered {
					time.Sleep(300 * time.Millisecond) // ten wrong secrets would make the client wait
				}
				return answered
			})
		}

		late := harness.Credentials{ID: "late", Secret: "x"}
		if s.Token(t, late, clientCredentials()).Status != http.StatusUnauthorized {
			t.Fatal("a client that does not exist gets a token")
		}
		late = f.client("late", "--grant", "client_credentials", "--scope", "read", "--resource", apiRS256)
		eventually("a new client gets a token", 200, func() harness.Answer { return s.Token(t, late, clientCredentials()) })
		access := s.MustToken(t, late, clientCredentials()).Text("access_token")

		rotated := harness.Credentials{ID: "late", Secret: f.JSON("", "client", "rotate-secret", "late", "--overlap", "1h")["client_secret"].(string)}
		eventually("the new secret is good", 200, func() harness.Answer { return s.Token(t, rotated, clientCredentials()) })
		s.MustToken(t, late, clientCredentials()) // and so is the old secret, during the overlap

		f.Run("client", "update", "late", "--disabled")
		eventually("a disabled client is refused", 401, func() harness.Answer { return s.Token(t, rotated, clientCredentials()) })
		harness.Eventually(t, promised, "its tokens are inactive", func() bool { return !s.Active(t, f.reader, access) })
		f.Run("client", "delete", "--yes", "late")

		session := s.MustToken(t, f.web, login())
		f.Run("user", "update", "alice", "--disabled")
		eventually("a disabled user cannot log in", 400, func() harness.Answer { return s.Token(t, f.web, login()) })
		wantError(t, s.Token(t, f.web, refresh(session.Text("refresh_token"))), http.StatusBadRequest, "invalid_grant")
		harness.Eventually(t, promised, "the user's tokens are inactive", func() bool { return !s.Active(t, f.reader, session.Text("access_token")) })
		f.Run("user", "update", "alice", "--enabled")
		eventually("an enabled user can", 200, func() harness.Answer { return s.Token(t, f.web, login()) })
		wantError(t, s.Token(t, f.web, refresh(session.Text("refresh_token"))), http.StatusBadRequest, "invalid_grant")

		session = s.MustToken(t, f.web, login())
		f.RunWith(alicePassword+"\n", "user", "update", "alice", "--password-stdin")
		anew := s.MustToken(t, f.web, login()) // at once
		harness.Eventually(t, promised, "a new password voids the tokens from before", func() bool { return !s.Active(t, f.reader, session.Text("access_token")) })
		wantError(t, s.Token(t, f.web, refresh(session.Text("refresh_token"))), http.StatusBadRequest, "invalid_grant")
		if !s.Active(t, f.reader, anew.Text("access_token")) {
			t.Error("a new password voids a token from after it")
		}
		session = s.MustToken(t, f.web, refresh(anew.Text("refresh_token")))
		f.Run("user", "delete", "--yes", "alice")
		wantError(t, s.Token(t, f.web, refresh(session.Text("refresh_token"))), http.StatusBadRequest, "invalid_grant")
		wantError(t, s.Token(t, f.web, login()), http.StatusBadRequest, "invalid_grant")
		harness.Eventually(t, promised, "the tokens of a deleted user are inactive", func() bool { return !s.Active(t, f.reader, session.Text("access_token")) })
	})
}

// With a timeline of seconds a rotation runs to its end: the new key is published before it signs,
// and tokens of the old one verify until they have expired.
func TestRotationRunsItsCourse(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		d.Set("JWKS_MAX_AGE", "1s")
		d.Set("KEY_POLL_INTERVAL", "4s")
		d.Set("CLOCK_SKEW", "1s")
		d.Set("MAX_ACCESS_TOKEN_TTL", "3s")
		d.Set("DEFAULT_ACCESS_TOKEN_TTL", "3s")
		d.Run("migrate", "up")
		d.Run("resource", "create", "--id", apiES256, "--scope", "read", "--signing-alg", "ES256")
		f := &fixture{Deployment: d}
		client := f.client("batch", "--grant", "client_credentials", "--scope", "read", "--resource", apiES256)
		s := f.Start()
		old := s.MustToken(t, client, clientCredentials()).Text("access_token")
		f.Run("key", "rotate", "--alg", "ES256")
		seen := make(map[string]time.Time) // when this verifier saw a key first
		signs := kidOf(t, old)
		harness.Eventually(t, 30*time.Second, "the new key signs, and the old one is gone from the JWKS", func() bool {
			set := kids(t, s)
			for _, kid := range set {
				if seen[kid].IsZero() {
					seen[kid] = time.Now()
				}
			}
			token := s.MustToken(t, client, clientCredentials()).Text("access_token")
			s.Verify(t, token, apiES256) // in every state
			if kid := kidOf(t, token); kid != signs {
				signs = kid
				if known := time.Since(seen[kid]); known < time.Second {
					t.Errorf("a key signs %s after a verifier that caches for --jwks-max-age could see it first", known)
				}
			}
			return signs != kidOf(t, old) && !slices.Contains(set, kidOf(t, old))
		})
	})
}

func kids(t *testing.T, s *harness.Server) []string {
	t.Helper()
	set, err := jwk.Fetch(t.Context(), s.URL+"/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range set.Len() {
		key, _ := set.Key(i)
		ids = append(ids, key.KeyID())
	}
	return ids
}

func kidOf(t *testing.T, token string) string {
	t.Helper()
	var header struct {
		KID string `json:"kid"`
	}
	if err := json.Unmarshal(decodePart(t, token, 0), &header); err != nil {
		t.Fatal(err)
	}
	return header.KID
}

// E11: a revoked key stops at once on every server: it leaves the JWKS, its tokens are inactive,
// and the next key signs, which verifiers already know. The test runs alone, because it checks the
// time of [promised].
func TestKeyRevocation(t *testing.T) {
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		replicas := []*harness.Server{f.Start(), f.Start()}
		var known []string
		harness.Eventually(t, prepared, "the next keys are prepared", func() bool {
			known = kids(t, replicas[0])
			return len(known) == freshKeys
		})
		void := replicas[0].MustToken(t, f.batch, clientCredentials()).Text("access_token")
		leaked := kidOf(t, void)
		if !replicas[1].Active(t, f.reader, void) {
			t.Fatal("the token is inactive before its key is revoked")
		}
		spared := replicas[0].MustToken(t, f.batch, clientCredentials("resource", apiES256)).Text("access_token")
		if why := f.Run("token", "inspect", void); !strings.Contains(why, leaked+" (RS256) is active since") {
			t.Errorf("token inspect does not say what its key is: %s", why)
		}
		if _, stderr, code := f.Try("no\n", "key", "revoke", "--reason", "drill", "--", leaked); code != 1 || !strings.Contains(stderr, "--yes") {
			t.Errorf("a no is taken for a yes: exit code %d, %s", code, stderr)
		}
		var revoked map[string]any
		if err := json.Unmarshal([]byte(f.Run("key", "revoke", "-o", "json", "--reason", "drill", "--yes", "--", leaked)), &revoked); err != nil {
			t.Fatal(err)
		}
		if revoked["kid"] != leaked || revoked["successor"] == nil {
			t.Errorf("key revoke answers %v", revoked)
		}
		for _, replica := range replicas {
			harness.Eventually(t, promised, "a replica obeys the revocation of a key", func() bool {
				return !slices.Contains(kids(t, replica), leaked) && !replica.Active(t, f.batch, void)
			})
			token := replica.MustToken(t, f.batch, clientCredentials()).Text("access_token")
			replica.Verify(t, token, apiRS256)
			if kid := kidOf(t, token); kid == leaked || !slices.Contains(known, kid) {
				t.Errorf("a replica signs with %s, which verifiers do not know yet", kid)
			}
			if !replica.Active(t, f.batch, spared) || !replica.Active(t, f.batch, token) {
				t.Error("a token of another key is inactive too")
			}
			replica.Verify(t, spared, apiES256)
		}
		why, _, code := f.Try("", "token", "inspect", void)
		if code != 1 || !strings.Contains(why, leaked) || !strings.Contains(why, "was revoked at ") || !strings.Contains(why, "(drill): every token that it signed is void") {
			t.Errorf("token inspect: exit code %d, and it says %s", code, why)
		}
		f.Run("token", "inspect", spared)
		if _, stderr, code := f.Try("", "key", "revoke", "--reason", "again", "--yes", "--", leaked); code != 1 || !strings.Contains(stderr, "authserver key list") {
			t.Errorf("a key is revoked twice: exit code %d, %s", code, stderr)
		}
		replicas[0].Kill()
		if slices.Contains(kids(t, f.Start()), leaked) {
			t.Error("the key is back after a restart")
		}
	})
}
