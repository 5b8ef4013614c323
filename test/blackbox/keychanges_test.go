package blackbox

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"authserver/test/harness"
	"authserver/test/pgtest"
)

// Two servers that start at the same moment without a database make one set of keys.
func TestReplicasThatStartAtOnceMakeOneSetOfKeys(t *testing.T) {
	t.Parallel()
	for round := range 3 {
		t.Run(fmt.Sprintf("round %d", round), func(t *testing.T) {
			harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
				replicas := make([]*harness.Server, 2)
				var ready, group sync.WaitGroup
				ready.Add(len(replicas))
				for i := range replicas {
					group.Go(func() {
						ready.Done()
						ready.Wait()
						replicas[i] = d.Start()
					})
				}
				group.Wait()
				waitForSet(t, freshKeys, replicas...)
				one, other := harness.Get(t, replicas[0].URL+jwksPath), harness.Get(t, replicas[1].URL+jwksPath)
				if !bytes.Equal(one.Raw, other.Raw) || one.Header.Get("ETag") != other.Header.Get("ETag") {
					t.Errorf("one replica publishes %s\nand the other %s", one.Raw, other.Raw)
				}
				states := make(map[string]int)
				for _, k := range listKeys(t, d) {
					states[k.Alg+" "+k.State]++
				}
				for _, alg := range usualAlgs {
					if states[alg+" active"] != 1 || states[alg+" pending"] != 1 {
						t.Errorf("of %s there are %v", alg, states)
					}
				}
				a := registerAPIs(t, d, usualAlgs...)
				for _, alg := range usualAlgs {
					if kid := a.signs(t, replicas[0], alg); kid != a.signs(t, replicas[1], alg) || kid != mustBeInState(t, d, alg, "active").KID {
						t.Errorf("the replicas sign with different %s keys", alg)
					}
				}
			})
		})
	}
}

// pemOf returns a new Ed25519 key, which is quick to make, in the form in which an administrator
// imports it.
func pemOf(t *testing.T) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return harness.KeyPEM(t, private)
}

// Every server follows a command's change of the keys in time: within two seconds if it is
// notified, and otherwise within --key-poll-interval. The test runs alone because of these times.
func TestKeyChangesReachEveryReplica(t *testing.T) {
	for _, test := range []struct {
		name    string
		silence func(t *testing.T, d *harness.Deployment)
		within  time.Duration
	}{
		{"told", func(*testing.T, *harness.Deployment) {}, promised},
		{"not told", dropKeyNotifications, 4 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
				if test.within != promised {
					d.Set("KEY_POLL_INTERVAL", test.within.String())
				}
				a := registerAPIs(t, d, "EdDSA")
				replicas := []*harness.Server{a.Start(), a.Start()}
				before := waitForSet(t, freshKeys+2, replicas...)
				test.silence(t, d)
				deadline := time.Time{}
				changes := func(args ...string) {
					a.Run(args...)
					deadline = time.Now().Add(test.within)
				}
				obeyed := func(what string, by func(s *harness.Server) bool) {
					t.Helper()
					for _, s := range replicas {
						harness.Eventually(t, max(time.Until(deadline), 0), what, func() bool { return by(s) })
					}
				}

				changes("key", "rotate", "--alg", "EdDSA")
				obeyed("a rotation publishes the key after the next", func(s *harness.Server) bool { return len(kids(t, s)) == len(before)+1 })

				file := a.File("brought.pem", pemOf(t))
				changes("key", "import", "--file", file)
				brought := mustBeInState(t, d, "EdDSA", "pending")
				obeyed("a key that was brought is published", func(s *harness.Server) bool { return slices.Contains(kids(t, s), brought.KID) })

				active := mustBeInState(t, d, "EdDSA", "active")
				void := a.token(t, replicas[0], "EdDSA")
				changes("key", "revoke", "--reason", "drill", "--yes", "--", active.KID)
				obeyed("a revoked key is gone and its tokens are inactive", func(s *harness.Server) bool {
					return !slices.Contains(kids(t, s), active.KID) && !s.Active(t, a.client, void)
				})
				obeyed("the next key signs", func(s *harness.Server) bool { return a.signs(t, s, "EdDSA") == brought.KID })
			})
		})
	}
}

// Without the database, every replica continues as planned, also at the moment at which the next
// key takes over. When the database is back, the plan continues.
func TestPlannedKeysNeedNoDatabase(t *testing.T) {
	t.Parallel()
	const rotation = 16 * time.Second
	d := harness.PostgreSQL(t)
	d.Set("JWKS_MAX_AGE", "1s")
	d.Set("KEY_POLL_INTERVAL", "4s")
	d.Set("CLOCK_SKEW", "1s")
	d.Set("KEY_ROTATION_INTERVAL", rotation.String())
	d.Set("MAX_ACCESS_TOKEN_TTL", "5m")
	d.Set("DEFAULT_ACCESS_TOKEN_TTL", "5m")
	a := registerAPIs(t, d, "ES256")
	wire := pgtest.NewWire(t, d.DatabaseURL())
	d.Set("DATABASE_URL", wire.URL)
	replicas := []*harness.Server{a.Start(), a.Start()}
	waitForSet(t, 4, replicas...)
	d.KeepWhatTheyRead(replicas...)
	known, _ := inState(t, d, "ES256", "pending")
	for _, s := range replicas {
		if a.signs(t, s, "ES256") == known.KID {
			t.Fatal("the next key signs already")
		}
	}

	wire.Cut()
	for _, s := range replicas {
		harness.Eventually(t, reached, "a replica says that its database failed", func() bool {
			ready := harness.Get(t, s.OpsURL+"/readyz")
			checks, _ := ready.Body["checks"].(map[string]any)
			return ready.Status == http.StatusServiceUnavailable && checks["database"] == "failed" && checks["signing_keys"] == "ok"
		})
	}
	for _, s := range replicas {
		harness.Eventually(t, rotation+reached, "the next key signs", func() bool { return a.signs(t, s, "ES256") == known.KID })
	}
	// No server can plan another key, so this one continues.
	past := known.ActiveAt.Add(rotation)
	harness.Eventually(t, rotation+reached, "the time of the key that took over is over", func() bool {
		for _, s := range replicas {
			if kid := a.signs(t, s, "ES256"); kid != known.KID {
				t.Fatalf("a replica signs with %s, which was not planned", kid)
			}
		}
		return time.Now().After(past)
	})

	wire.Mend()
	for _, s := range replicas {
		harness.Eventually(t, reached, "a replica is ready again", func() bool { return harness.Get(t, s.OpsURL+"/readyz").Status == http.StatusOK })
	}
	next := listedKey{}
	harness.Eventually(t, prepared, "there is a next key again", func() bool {
		var ok bool
		next, ok = inState(t, d, "ES256", "pending")
		return ok
	})
	for _, s := range replicas {
		harness.Eventually(t, reached, "a replica publishes it", func() bool { return slices.Contains(kids(t, s), next.KID) })
	}
	if lead := next.ActiveAt.Sub(*next.PublishedAt); lead < 6*time.Second {
		t.Errorf("it signs %s after it is published, although verifiers need 6s", lead)
	}
	for _, s := range replicas {
		harness.Eventually(t, 6*time.Second+reached, "it signs", func() bool { return a.signs(t, s, "ES256") == next.KID })
	}
}

// A rotation that does not wait says what it breaks and until when, and does nothing until the
// operator agrees. If it breaks nothing, it does not ask. The test runs alone, because it checks
// the time of [promised].
func TestRotationThatDoesNotWait(t *testing.T) {
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		t.Parallel()
		a := registerAPIs(t, d, "ES256")
		replicas := []*harness.Server{a.Start(), a.Start()}
		waitForSet(t, freshKeys, replicas...)
		a.Run("key", "rotate", "--alg", "ES256") // takes effect in 7 minutes: the next key was published a moment ago
		next := mustBeInState(t, d, "ES256", "pending")
		before := a.Run("key", "plan")

		_, stderr, code := a.Try("", "key", "rotate", "--now", "--alg", "ES256")
		if code != 1 {
			t.Errorf("without a terminal to ask on the exit code is %d", code)
		}
		for _, want := range []string{"ES256", next.KID, next.ActiveAt.Format(time.RFC3339), "refuse its tokens", "Without --now nothing is refused", "--yes"} {
			if !strings.Contains(stderr, want) {
				t.Errorf("the question does not say %q: %s", want, stderr)
			}
		}
		if after := a.Run("key", "plan"); after != before {
			t.Errorf("the plan was changed from\n%s\nto\n%s", before, after)
		}

		_, stderr, code = a.Try("", "key", "rotate", "--now", "--yes", "--alg", "ES256")
		if code != 0 || !strings.Contains(stderr, next.KID) || strings.Contains(stderr, "Go on?") {
			t.Errorf("with --yes: exit code %d, and it says %s", code, stderr)
		}
		for _, s := range replicas {
			harness.Eventually(t, promised, "a replica signs with the next key", func() bool { return a.signs(t, s, "ES256") == next.KID })
		}
	})
	t.Run("nothing breaks", func(t *testing.T) {
		t.Parallel()
		d := harness.SQLite(t)
		seconds(d)
		a := registerAPIs(t, d, "ES256")
		s := a.Start()
		waitForSet(t, freshKeys, s)
		next := mustBeInState(t, d, "ES256", "pending")
		harness.Eventually(t, shortLead+promised, "every verifier can know the next key", func() bool { return time.Now().After(next.PublishedAt.Add(shortLead)) })
		if _, stderr, code := a.Try("", "key", "rotate", "--now", "--alg", "ES256"); code != 0 || stderr != "" {
			t.Errorf("exit code %d, and it says %s", code, stderr)
		}
		harness.Eventually(t, promised, "the next key signs", func() bool { return a.signs(t, s, "ES256") == next.KID })
	})
}
