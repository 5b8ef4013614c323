package blackbox

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"
)

// There are servers with different lifetimes on one database: each plan keeps what any of them has
// promised to verifiers.
func TestChangedLifetimesAreKept(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		const (
			skew, poll     = time.Minute, 30 * time.Second // by default
			shorter        = 100 * time.Second
			longer         = 1000 * time.Second
			shortTTL       = 10 * time.Minute
			longTTL        = 20 * time.Hour
			lead, laterOne = shorter + shorter/10 + poll + skew, longer + longer/10 + poll + skew
		)
		old := []string{"--jwks-max-age", shorter.String(), "--max-access-token-ttl", shortTTL.String(), "--default-access-token-ttl", "5m"}
		changed := []string{"--jwks-max-age", longer.String(), "--max-access-token-ttl", longTTL.String(), "--default-access-token-ttl", "5m"}
		d.Set("DEFAULT_ACCESS_TOKEN_TTL", "5m")
		a := registerAPIs(t, d, everyAlg...)
		a.Start(old...)
		second := a.Start(old...)
		waitForSet(t, everyKey, second)

		rotated := func(alg string) (next, before listedKey) {
			t.Helper()
			events := planOf(t, d.Run("key", "rotate", "--alg", alg, "-o", "json"))
			next, before = mustBeInState(t, d, alg, "pending"), mustBeInState(t, d, alg, "active")
			for _, e := range events {
				if e.Event == "activate" && (e.KID != next.KID || !e.At.Equal(*next.ActiveAt)) {
					t.Errorf("key rotate answers %v, and key list %v", e, next)
				}
			}
			plan := d.Run("key", "plan", "-o", "json")
			for _, e := range planOf(t, plan) {
				if e.KID == before.KID && e.Event == "remove" && !e.At.Equal(*before.RemovedAt) {
					t.Errorf("key plan says that the key is removed at %s, and key list at %s", e.At, before.RemovedAt)
				}
			}
			return next, before
		}
		wantLead := func(what string, next listedKey, want time.Duration) {
			t.Helper()
			if got := next.ActiveAt.Sub(*next.PublishedAt); got != want {
				t.Errorf("%s: a key is published for %s before it signs, want %s", what, got, want)
			}
		}
		wantLag := func(what string, before listedKey, ttl time.Duration) {
			t.Helper()
			if got, want := before.RemovedAt.Sub(*before.RetiredAt), ttl+skew; got != want {
				t.Errorf("%s: a key stays published for %s after it signed, want %s", what, got, want)
			}
		}

		next, before := rotated("ES256")
		wantLead("before", next, lead)
		wantLag("before", before, shortTTL)

		second.Stop()
		second = a.Start(changed...)
		if got := harness.Get(t, second.URL+jwksPath).Header.Get("Cache-Control"); !strings.Contains(got, "max-age=1000,") {
			t.Errorf("the changed server tells verifiers %q", got)
		}
		harness.Eventually(t, reached, "what was planned keeps the key for the tokens that live longer", func() bool {
			before = mustBeInState(t, d, "ES256", "active")
			return before.RemovedAt.Sub(*before.RetiredAt) == longTTL+skew
		})
		next, before = rotated("ES384")
		wantLead("beside a server with longer lifetimes", next, laterOne)
		wantLag("beside a server with longer lifetimes", before, longTTL)

		// Verifiers still have the answers of the stopped server in their caches.
		second.Stop()
		second = a.Start(old...)
		next, before = rotated("EdDSA")
		wantLead("after the lifetimes were taken back", next, laterOne)
		wantLag("after the lifetimes were taken back", before, longTTL)
		a.token(t, second, "ES256")
	})
}

// A token with a longer lifetime than the earlier setting verifies until its end, also at a server
// that was not restarted: its key stays in every key set.
func TestRetiredKeysStayForTheLongerTokens(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		seconds(d)
		short := []string{"--max-access-token-ttl", "2s", "--default-access-token-ttl", "2s"}
		d.Set("DEFAULT_ACCESS_TOKEN_TTL", "2s")
		a := registerAPIs(t, d, "ES256")
		first := a.Start(short...)
		second := a.Start("--max-access-token-ttl", "8s", "--default-access-token-ttl", "8s")
		waitForSet(t, 4, first, second)
		d.Run("resource", "update", apiOf("ES256"), "--access-token-ttl", "8s")
		ask := func() harness.Answer {
			return second.MustToken(t, a.client, clientCredentials("resource", apiOf("ES256")))
		}
		var token string // the last token of the key that retires
		harness.Eventually(t, reached, "tokens live longer", func() bool {
			answer := ask()
			token = answer.Text("access_token")
			return answer.Body["expires_in"] == 8.0
		})
		signed := kidOf(t, token)
		d.Run("key", "rotate", "--alg", "ES256")
		harness.Eventually(t, shortLead+reached, "the next key signs", func() bool {
			next := ask().Text("access_token")
			if kidOf(t, next) == signed {
				token = next
			}
			return next != token
		})
		var claims struct{ Exp int64 }
		if err := json.Unmarshal(decodePart(t, token, 1), &claims); err != nil {
			t.Fatal(err)
		}
		expires := time.Unix(claims.Exp, 0)
		for {
			published := [][]string{kids(t, first), kids(t, second)}
			if !time.Now().Before(expires) { // the answers may have been read after that
				break
			}
			for i, set := range published {
				if !slices.Contains(set, signed) {
					t.Fatalf("replica %d takes the key away %s before its last token expires", i, time.Until(expires))
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
}
