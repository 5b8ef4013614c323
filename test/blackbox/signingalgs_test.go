package blackbox

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"
)

// Tokens for resources that were registered before the first start are signed with their algorithms
// at once.
func TestEveryAlgorithm(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		a := registerAPIs(t, d, everyAlg...)
		s := a.Start()
		for _, alg := range everyAlg {
			a.token(t, s, alg)
		}
		waitForSet(t, everyKey, s)
	})
}

// If a resource is registered for a new algorithm, its first key is published at once, and signs
// when every verifier can know it.
func TestAddedAlgorithm(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		d.Set("JWKS_MAX_AGE", "10s")
		d.Set("KEY_POLL_INTERVAL", "4s")
		d.Set("CLOCK_SKEW", "1s")
		const lead = 16 * time.Second // long enough that a slow machine meets the key while it waits
		a := registerAPIs(t, d, "RS256")
		replicas := []*harness.Server{a.Start(), a.Start()}
		waitForSet(t, freshKeys, replicas...)

		_, stderr, code := d.Try("", "resource", "create", "--id", apiOf("EdDSA"), "--scope", "read", "--signing-alg", "EdDSA")
		if code != 0 || !strings.Contains(stderr, "EdDSA") || !strings.Contains(stderr, "503") {
			t.Errorf("resource create: exit code %d, %s", code, stderr)
		}
		d.Run("client", "update", "apis", "--resource", apiOf("RS256"), "--resource", apiOf("EdDSA"))
		for _, s := range replicas {
			harness.Eventually(t, reached, "its first key is published", func() bool {
				added, there := inState(t, d, "EdDSA", "pending")
				return there && slices.Contains(kids(t, s), added.KID)
			})
		}
		added := mustBeInState(t, d, "EdDSA", "pending")
		if got := added.ActiveAt.Sub(*added.PublishedAt); got != lead {
			t.Errorf("the first key signs %s after it is published, want %s", got, lead)
		}
		refused := replicas[0].Token(t, a.client, clientCredentials("resource", apiOf("EdDSA")))
		wait, err := strconv.Atoi(refused.Header.Get("Retry-After"))
		if refused.Status != 503 || refused.Text("error") != "temporarily_unavailable" || err != nil || wait < 1 || wait > 16 {
			t.Errorf("before it signs a request is answered %d %s, to be sent again in %d s", refused.Status, refused.Raw, wait)
		}
		a.token(t, replicas[0], "RS256") // no other client notices
		for _, s := range replicas {
			if answer := harness.Get(t, s.OpsURL+"/readyz"); answer.Status != 200 {
				t.Errorf("a replica is not ready: %s", answer.Raw)
			}
			harness.Eventually(t, lead+reached, "tokens are signed with it", func() bool {
				return s.Token(t, a.client, clientCredentials("resource", apiOf("EdDSA"))).Status == 200
			})
			if time.Now().Before(*added.ActiveAt) {
				t.Error("it signs before every verifier can know it")
			}
			a.token(t, s, "EdDSA")
		}
		waitForSet(t, freshKeys+2, replicas...)
	})
}

// A resource in use changes to another algorithm only when a key signs with it.
func TestChangedAlgorithm(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		seconds(d)
		a := registerAPIs(t, d, "RS256")
		s := a.Start()
		update := []string{"resource", "update", apiOf("RS256"), "--signing-alg", "PS256"}
		_, stderr, code := d.Try("", update...)
		if code != 2 || !strings.Contains(stderr, "make one first with `authserver key rotate --alg PS256`") {
			t.Errorf("without a key: exit code %d, %s", code, stderr)
		}
		d.Run("key", "rotate", "--alg", "PS256")
		added, waits := inState(t, d, "PS256", "pending")
		if !waits { // on a slow machine it already signs
			added = mustBeInState(t, d, "PS256", "active")
		}
		if _, stderr, code := d.Try("", update...); code == 0 && time.Now().Before(*added.ActiveAt) || code != 0 && !strings.Contains(stderr, added.ActiveAt.Format(time.RFC3339)) {
			t.Errorf("with a key that waits: exit code %d, %s", code, stderr)
		}
		harness.Eventually(t, shortLead+reached, "it can be changed", func() bool {
			_, _, code := d.Try("", update...)
			return code == 0
		})
		harness.Eventually(t, reached, "its tokens are signed so", func() bool {
			answer := s.MustToken(t, a.client, clientCredentials("resource", apiOf("RS256")))
			return kidOf(t, answer.Text("access_token")) == added.KID
		})
	})
}
