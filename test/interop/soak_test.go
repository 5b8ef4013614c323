//go:build interop

package interop

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"authserver/test/harness"
	"authserver/test/pgtest"
)

// The timeline is as fast as the settings allow. A key signs for soakInterval, which must be as
// long as it is published before, 2.5 s here.
const (
	soakInterval = 3 * time.Second
	soakMaxAge   = time.Second
	soakPoll     = time.Second
	soakSkew     = 500 * time.Millisecond
	soakTTL      = 4 * time.Second // of a token

	mintEvery    = 400 * time.Millisecond // at each replica
	lookEvery    = 100 * time.Millisecond // fetches of the JWKS of each
	beforeExpiry = time.Second            // when a token is verified a second time
	enough       = 20                     // the number of failures that end the soak
)

// soak is a deployment of two replicas, with clients that send token requests and verifiers of the
// tokens.
type soak struct {
	t         *testing.T
	d         *harness.Deployment
	w         *world
	wire      *pgtest.Wire // to the database
	fleet     *fleet
	book      *book
	verifiers []*verifier
	random    *rand.Rand
	faults    map[string]int // the number of each kind of fault
	gone      time.Duration  // how long it was without its database
}

// TestSoak rotates the keys again and again while replicas and the database stop and start.
// Libraries verify every token with a key set that they keep for as long as its Cache-Control says.
// They must refuse none.
func TestSoak(t *testing.T) {
	wanted, seed := number(t, "SOAK_ROTATIONS", 8), number(t, "SOAK_SEED", time.Now().UnixNano())
	t.Logf("SOAK_SEED=%d SOAK_ROTATIONS=%d", seed, wanted)
	s := newSoak(t, seed)
	var programs, watching, minting sync.WaitGroup
	defer programs.Wait()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute+time.Duration(wanted)*4*soakInterval)
	defer stop()
	defer watching.Wait()
	watched, unwatch := context.WithCancel(ctx)
	defer unwatch()
	for _, r := range s.fleet.replicas {
		watching.Go(func() { s.watch(watched, r) })
	}
	s.book.await(20*time.Second, "the next keys are published for as long as a verifier may not know of them", func() bool {
		return s.book.known(time.Now().Add(-soakMaxAge-lookEvery)) >= 2*len(algorithms())
	})
	s.startVerifiers(ctx, &programs)
	defer minting.Wait()
	mintable, mintNoMore := context.WithCancel(ctx)
	defer mintNoMore()
	for _, r := range s.fleet.replicas {
		minting.Go(func() { s.mintAt(mintable, &minting, r) })
	}
	began := time.Now()
	s.disturb(ctx, int(wanted))
	mintNoMore()
	minting.Wait() // and every token is verified for the second time
	for _, v := range s.verifiers {
		v.end(s.book)
	}
	took := time.Since(began)
	unwatch()
	watching.Wait()
	s.judge(int(wanted))
	t.Log(s.summary(took, seed))
}

// number reads a setting of the test.
func number(t *testing.T, variable string, otherwise int64) int64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("%s is no number: %v", variable, err)
	}
	return n
}

func newSoak(t *testing.T, seed int64) *soak {
	t.Helper()
	d := harness.PostgreSQL(t)
	s := &soak{
		t: t, d: d, wire: pgtest.NewWire(t, d.DatabaseURL()), fleet: newFleet(t),
		book:   &book{t: t, begun: time.Now(), keys: map[string]*key{}, processes: map[*harness.Server]*process{}},
		random: rand.New(rand.NewPCG(uint64(seed), 0)), faults: map[string]int{},
	}
	for setting, value := range map[string]string{
		"ISSUER":                   s.fleet.url,
		"DATABASE_URL":             s.wire.URL,
		"KEY_ROTATION_INTERVAL":    soakInterval.String(),
		"JWKS_MAX_AGE":             soakMaxAge.String(),
		"KEY_POLL_INTERVAL":        soakPoll.String(),
		"CLOCK_SKEW":               soakSkew.String(),
		"MAX_ACCESS_TOKEN_TTL":     soakTTL.String(),
		"DEFAULT_ACCESS_TOKEN_TTL": soakTTL.String(),
	} {
		d.Set(setting, value)
	}
	d.Run("migrate", "up")
	s.w = &world{
		Issuer: s.fleet.url, JWKSURI: s.fleet.url + jwksPath,
		Resources: map[string]resource{}, Clients: map[string]party{},
	}
	s.w.registerResources(d)
	for _, alg := range algorithms() {
		made := d.JSON("", append([]string{"client", "create", "--id", "app-" + alg, "--grant", "client_credentials"}, s.w.allowed(alg)...)...)
		s.w.Clients[alg] = party{ID: "app-" + alg, Secret: made["client_secret"].(string)}
	}
	for _, r := range s.fleet.replicas {
		r.start(d)
	}
	t.Cleanup(func() {
		if t.Failed() {
			s.fleet.logTail(t)
		}
	})
	return s
}

// judge checks the whole run against the promises.
func (s *soak) judge(wanted int) {
	b := s.book
	if got := b.rotations(); got < wanted {
		b.fail("%d rotations of each algorithm, want %d", got, wanted)
	}
	b.judgeKeys()
	for _, v := range s.verifiers {
		for _, alg := range algorithms() {
			if got := len(v.verified[alg]); got <= wanted {
				b.fail("%s has verified tokens of %d %s keys, want more than %d", v.name, got, alg, wanted)
			}
		}
		s.judgeFetches(v)
		if 100*v.late > v.asked {
			b.fail("%s answered %d of %d times when the token had expired: this machine is too busy for the soak", v.name, v.late, v.asked)
		}
	}
}

// judgeFetches requires every fetch after the second to come when the earlier set was about to
// expire. So there is none for each token, and none because of a key that the verifier did not
// know. The first two may be close together if a library renews at full seconds of the clock.
func (s *soak) judgeFetches(v *verifier) {
	fetches := s.fleet.fetchesBy(v.userAgent())
	if len(fetches) < 3 {
		s.book.fail("%s fetched the JWKS %d times", v.name, len(fetches))
	}
	for i := 2; i < len(fetches); i++ {
		if after := fetches[i].Sub(fetches[i-1]); after < soakMaxAge/2 {
			s.book.fail("%s fetched the JWKS at %s, %s after the time before", v.name, s.book.when(fetches[i]), after)
		}
	}
}

func (s *soak) summary(took time.Duration, seed int64) string {
	verifications, late, fetches := 0, 0, ""
	for _, v := range s.verifiers {
		verifications += v.asked
		late += v.late
		fetches += fmt.Sprintf(" %s %d", v.name, len(s.fleet.fetchesBy(v.userAgent())))
	}
	return fmt.Sprintf("soak: %d rotations, %d tokens, %d verifications (%d late), %d failures in %.0f s; JWKS fetches:%s; database gone for %.1f s; %v; seed %d",
		s.book.rotations(), len(s.book.tokens), verifications, late, s.book.failures, took.Seconds(), fetches, s.gone.Seconds(), s.faults, seed)
}
