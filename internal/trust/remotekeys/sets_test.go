package remotekeys

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"authserver/internal/jose"
	"authserver/internal/testkit"
)

// publisher is a real server with keys over https.
type publisher struct {
	*httptest.Server
	t       testing.TB
	mu      sync.Mutex
	kids    []string
	down    bool
	fetches atomic.Int32
	asked   atomic.Int32     // requests for its metadata
	moved   string           // the path of the set, if it is not /jwks
	silent  bool             // it no longer has metadata
	answer  http.HandlerFunc // instead of the set
}

func newPublisher(t *testing.T, kids ...string) *publisher {
	t.Helper()
	p := &publisher{t: t, kids: kids}
	p.Server = httptest.NewTLSServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.down:
		w.WriteHeader(http.StatusBadGateway)
	case strings.HasPrefix(r.URL.Path, "/.well-known/openid"):
		p.asked.Add(1)
		if p.silent {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("Cache-Control", "max-age=1800")
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": p.URL, "jwks_uri": p.URL + cmp.Or(p.moved, "/jwks")})
	case strings.HasPrefix(r.URL.Path, "/.well-known/"), p.moved != "" && r.URL.Path != p.moved:
		http.NotFound(w, r)
	case p.answer != nil:
		p.answer(w, r)
	default:
		p.fetches.Add(1)
		_, _ = w.Write(jwks(p.t, p.kids...))
	}
}

func (p *publisher) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func jwks(t testing.TB, kids ...string) json.RawMessage {
	t.Helper()
	var keys []json.RawMessage
	for _, kid := range kids {
		keys = append(keys, testkit.JWK(t, testkit.P256(t).Public(), map[string]any{"kid": kid}))
	}
	return testkit.JWKS(t, keys...)
}

// trusting returns a fetcher that trusts the publisher and may connect to it.
func (p *publisher) trusting() *Fetcher {
	roots := x509.NewCertPool()
	roots.AddCert(p.Certificate())
	return NewFetcher(FetcherOptions{AllowHosts: []string{"127.0.0.1"}, RootCAs: roots})
}

func newSets(p *publisher) (*Sets, *testkit.Clock) {
	c := testkit.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	s := &Sets{Fetcher: p.trusting(), Now: c.Now, Idle: 2 * time.Hour}
	p.t.Cleanup(s.Close)
	return s, c
}

func (p *publisher) source() Source { return Source{JWKSURI: p.URL + "/jwks"} }

func es256(kid string) jose.Header { return jose.Header{Alg: "ES256", KID: kid} }

func wantKeys(t *testing.T, s *Sets, source Source, kid string, want int) {
	t.Helper()
	keys, err := s.Keys(t.Context(), source, es256(kid))
	if err != nil || len(keys) != want {
		t.Errorf("for kid %q got %d keys, %v, want %d", kid, len(keys), err, want)
	}
}

// settled waits until no fetch runs.
func settled(t *testing.T, s *Sets, source Source) {
	t.Helper()
	k, _, err := s.of(source)
	if err != nil {
		t.Fatal(err)
	}
	k.settle()
}

func TestKeysAreFetchedOnceAndFoundAgain(t *testing.T) {
	p := newPublisher(t, "a", "b")
	s, _ := newSets(p)
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() { wantKeys(t, s, p.source(), "a", 1) })
	}
	group.Wait()
	wantKeys(t, s, p.source(), "", 2)
	if n := p.fetches.Load(); n != 1 {
		t.Errorf("%d fetches, want one", n)
	}
}

// An attacker who invents names causes no fetches, and no good token is refused.
func TestUnknownKidsDoNotDriveFetches(t *testing.T) {
	p := newPublisher(t, "a")
	s, c := newSets(p)
	for i := range 10_000 {
		wantKeys(t, s, p.source(), fmt.Sprint("made up ", i), 0)
		wantKeys(t, s, p.source(), "a", 1)
		if i%100 == 0 {
			c.Advance(time.Second)
		}
	}
	// One fetch, another one at once, and then one in each 30 s of the 100.
	if n := p.fetches.Load(); n > 5 {
		t.Errorf("%d fetches in 100 s", n)
	}
}

func TestKeysThatRotateUnderneath(t *testing.T) {
	p := newPublisher(t, "a")
	s, c := newSets(p)
	wantKeys(t, s, p.source(), "a", 1)
	for i := range 10 {
		kid := fmt.Sprint("next ", i)
		p.set(func() { p.kids = []string{kid} })
		c.Advance(cooldown)
		wantKeys(t, s, p.source(), kid, 1)
		wantKeys(t, s, p.source(), "a", 0) // a key that was withdrawn is gone
	}
}

func TestTheLastGoodSetIsKeptWhileThePublisherIsDown(t *testing.T) {
	for name, fail := range map[string]func(*publisher){
		"it is down": func(p *publisher) { p.down = true },
		"it answers with a page": func(p *publisher) {
			p.answer = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }
		},
		"it answers with no keys": func(p *publisher) { p.kids = nil },
		"it answers with too much": func(p *publisher) {
			p.answer = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxBody+1)) }
		},
		"it sends us somewhere else": func(p *publisher) {
			p.answer = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://example.com/", http.StatusFound)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPublisher(t, "a")
			s, c := newSets(p)
			wantKeys(t, s, p.source(), "a", 1)
			p.set(func() { fail(p) })
			for range 20 {
				c.Advance(time.Hour)
				_, _ = s.Keys(t.Context(), p.source(), es256("new")) // starts a fetch
				wantKeys(t, s, p.source(), "a", 1)
			}
			settled(t, s, p.source())
			if keys, err := s.Keys(t.Context(), p.source(), es256("new")); err == nil {
				t.Errorf("a key that may be there is called unknown: %v", keys)
			}
			c.Advance(maxStale)
			if keys, err := s.Keys(t.Context(), p.source(), es256("a")); err == nil {
				t.Errorf("after a day it is still trusted: %v", keys)
			}
			settled(t, s, p.source()) // so that a fetch that ends later does not count as a failure of that time
			p.set(func() { p.down, p.answer, p.kids = false, nil, []string{"b"} })
			c.Advance(failLast)
			wantKeys(t, s, p.source(), "b", 1)
		})
	}
}

// A publisher that never answers is asked less and less often, and delays no request.
func TestFailuresAreRemembered(t *testing.T) {
	p := newPublisher(t)
	var asked atomic.Int32
	p.answer = func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	}
	s, c := newSets(p)
	for range 600 {
		if _, err := s.Keys(t.Context(), p.source(), es256("a")); err == nil || !strings.Contains(err.Error(), "answers 500") {
			t.Fatalf("got %v", err)
		}
		settled(t, s, p.source())
		c.Advance(time.Second)
	}
	if n := asked.Load(); n > 17 {
		t.Errorf("%d fetches in ten minutes", n)
	}
}

func TestASetIsRefreshedBeforeItIsStale(t *testing.T) {
	p := newPublisher(t, "a")
	s, c := newSets(p)
	wantKeys(t, s, p.source(), "a", 1)
	p.set(func() { p.kids = []string{"b"} })
	c.Advance(defaultFresh * 3 / 4)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); p.fetches.Load() < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it was not fetched again")
		}
	}
	wantKeys(t, s, p.source(), "b", 1)
	c.Advance(s.Idle + time.Second)
	if err := s.Refresh(t.Context()); err != nil || len(s.all) != 0 {
		t.Errorf("%d sets are kept that no token asks for, %v", len(s.all), err)
	}
}

// A waiting request may be cancelled, and the fetch continues for the others.
func TestAWaiterMayLeave(t *testing.T) {
	p := newPublisher(t, "a")
	hold := make(chan struct{})
	body := jwks(t, "a")
	p.answer = func(w http.ResponseWriter, _ *http.Request) {
		<-hold
		_, _ = w.Write(body)
	}
	s, _ := newSets(p)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Keys(ctx, p.source(), es256("a")); err == nil {
		t.Fatal("there are keys already")
	}
	close(hold)
	wantKeys(t, s, p.source(), "a", 1)
}

// A stale set is not used until it has been fetched again, with or without Refresh.
func TestASetThatIsStaleIsWaitedFor(t *testing.T) {
	p := newPublisher(t, "a")
	s, c := newSets(p)
	wantKeys(t, s, p.source(), "a", 1)
	p.set(func() { p.kids = []string{"b"} })
	c.Advance(defaultFresh)
	wantKeys(t, s, p.source(), "a", 0)
	wantKeys(t, s, p.source(), "b", 1)
	if n := p.fetches.Load(); n != 2 {
		t.Errorf("%d fetches, want one anew", n)
	}
}

// A request for a nearly stale set starts a fetch, and does not wait for it.
func TestASetThatIsNearlyStaleIsFetchedBesides(t *testing.T) {
	p := newPublisher(t, "a")
	s, c := newSets(p)
	wantKeys(t, s, p.source(), "a", 1)
	hold, body := make(chan struct{}), jwks(t, "b")
	p.set(func() {
		p.answer = func(w http.ResponseWriter, _ *http.Request) {
			<-hold
			_, _ = w.Write(body)
		}
	})
	c.Advance(defaultFresh * 3 / 4)
	for range 3 {
		wantKeys(t, s, p.source(), "a", 1)
	}
	close(hold)
	settled(t, s, p.source())
	wantKeys(t, s, p.source(), "b", 1)
}

// Requests wait only once for a publisher that hangs. Afterwards they use the keys that the server
// has, and wait for a second if it has none.
func TestAPublisherThatHangsHoldsNothingUp(t *testing.T) {
	p := newPublisher(t, "a")
	s, c := newSets(p)
	wantKeys(t, s, p.source(), "a", 1)
	p.set(func() { p.down = true })
	c.Advance(time.Hour)
	wantKeys(t, s, p.source(), "a", 1) // notices that the publisher is down
	hold := make(chan struct{})
	defer close(hold)
	p.set(func() { p.down, p.answer = false, func(http.ResponseWriter, *http.Request) { <-hold } })
	c.Advance(time.Hour)
	for _, test := range []struct {
		kid   string
		fails bool
		most  time.Duration
	}{{"a", false, failWait / 2}, {"new", true, 2 * failWait}} {
		shortest := time.Hour
		for range 3 { // a busy machine makes a call longer, never shorter
			begun := time.Now()
			_, err := s.Keys(t.Context(), p.source(), es256(test.kid))
			if (err != nil) != test.fails {
				t.Errorf("for kid %q: %v", test.kid, err)
			}
			shortest = min(shortest, time.Since(begun))
		}
		if shortest > test.most {
			t.Errorf("for kid %q each call takes %v", test.kid, shortest)
		}
	}
}

// Close cancels the running fetch, and prevents further ones.
func TestClose(t *testing.T) {
	p := newPublisher(t, "a")
	s, c := newSets(p)
	wantKeys(t, s, p.source(), "a", 1)
	begun := make(chan struct{})
	p.set(func() {
		p.answer = func(_ http.ResponseWriter, r *http.Request) { close(begun); <-r.Context().Done() }
	})
	c.Advance(time.Hour)
	waits := make(chan error)
	go func() {
		_, err := s.Keys(t.Context(), p.source(), es256("b"))
		waits <- err
	}()
	<-begun
	s.Close()
	if err := <-waits; err == nil {
		t.Error("the request that waited is told that there is no such key")
	}
	s.Close()
	wantKeys(t, s, p.source(), "a", 1)
	if keys, err := s.Keys(t.Context(), Source{Issuer: p.URL}, es256("a")); err == nil || p.asked.Load() != 0 {
		t.Errorf("fetched %d keys", len(keys))
	}
	unused := &Sets{Fetcher: p.trusting(), Now: c.Now}
	unused.Close()
	if _, err := unused.Keys(t.Context(), p.source(), es256("a")); err == nil {
		t.Error("fetched")
	}
}
