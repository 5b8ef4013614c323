package remotekeys

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/testkit"
)

func TestDiscovery(t *testing.T) {
	p := newPublisher(t, "a")
	s, _ := newSets(p)
	wantKeys(t, s, Source{Issuer: p.URL}, "a", 1)
	if _, err := s.Keys(t.Context(), Source{Issuer: p.URL + "/"}, es256("a")); err == nil || !strings.Contains(err.Error(), "another issuer") {
		t.Errorf("got %v, want that the metadata is another issuer's (RFC 8414 section 3.3)", err)
	}
}

// wantAsked requires these numbers of requests for the metadata and the key set.
func wantAsked(t *testing.T, p *publisher, metadata, sets int32) {
	t.Helper()
	if m, k := p.asked.Load(), p.fetches.Load(); m != metadata || k != sets {
		t.Errorf("asked %d times for the metadata and %d times for the keys, want %d and %d", m, k, metadata, sets)
	}
}

// refresh lets time pass and fetches the sets that are due.
func refresh(t *testing.T, s *Sets, c *testkit.Clock, d time.Duration) {
	t.Helper()
	c.Advance(d)
	if err := s.Refresh(t.Context()); err != nil {
		t.Log(err)
	}
}

func TestMetadataIsKeptForAsLongAsItSays(t *testing.T) {
	p := newPublisher(t, "a")
	s, c := newSets(p)
	source := Source{Issuer: p.URL}
	wantKeys(t, s, source, "a", 1)
	wantAsked(t, p, 1, 1)
	refresh(t, s, c, 12*time.Minute)
	wantAsked(t, p, 1, 2)
	refresh(t, s, c, 12*time.Minute)
	wantAsked(t, p, 1, 3)
	refresh(t, s, c, 12*time.Minute) // 36 minutes after the first of 30
	wantAsked(t, p, 2, 4)
}

// If an issuer moves its keys while its metadata is fresh, the metadata is fetched again at once.
func TestAKeySetThatMoved(t *testing.T) {
	p := newPublisher(t, "a")
	s, c := newSets(p)
	source := Source{Issuer: p.URL}
	wantKeys(t, s, source, "a", 1)
	p.set(func() { p.moved, p.kids = "/elsewhere", []string{"b"} })
	refresh(t, s, c, 12*time.Minute)
	wantAsked(t, p, 2, 2)
	wantKeys(t, s, source, "b", 1)
	wantKeys(t, s, source, "a", 0)
}

// While the metadata cannot be read, keys are fetched from their last URL for a day.
func TestMetadataThatCannotBeRead(t *testing.T) {
	p := newPublisher(t, "a")
	s, c := newSets(p)
	source := Source{Issuer: p.URL}
	wantKeys(t, s, source, "a", 1)
	p.set(func() { p.silent, p.kids = true, []string{"b"} })
	c.Advance(time.Hour)
	wantKeys(t, s, source, "b", 1)
	wantAsked(t, p, 2, 2)
	c.Advance(maxStale + time.Second)
	if keys, err := s.Keys(t.Context(), source, es256("b")); err == nil {
		t.Errorf("after a day there are still %d keys", len(keys))
	}
	wantAsked(t, p, 3, 2)
}

// The URLs of the metadata contain the path of an issuer unchanged (RFC 8414 §3.1).
func TestMetadataURLs(t *testing.T) {
	for issuer, want := range map[string][]string{
		"https://idp.example.com":         {"https://idp.example.com/.well-known/openid-configuration", "https://idp.example.com/.well-known/oauth-authorization-server"},
		"https://idp.example.com/":        {"https://idp.example.com/.well-known/openid-configuration", "https://idp.example.com/.well-known/oauth-authorization-server"},
		"https://idp.example.com:8443/a/": {"https://idp.example.com:8443/a/.well-known/openid-configuration", "https://idp.example.com:8443/.well-known/oauth-authorization-server/a"},
		"https://idp.example.com/a%2Fb/c": {"https://idp.example.com/a%2Fb/c/.well-known/openid-configuration", "https://idp.example.com/.well-known/oauth-authorization-server/a%2Fb/c"},
	} {
		if diff := cmp.Diff(want, metadataURLs(issuer)); diff != "" {
			t.Errorf("%s: %s", issuer, diff)
		}
	}
}

func TestFetchesAreCounted(t *testing.T) {
	p := newPublisher(t, "a")
	s, c := newSets(p)
	want := func(uri, uriFailed, found, foundFailed int64) {
		t.Helper()
		for _, test := range []struct {
			discovery, failed bool
			want              int64
		}{{false, false, uri}, {false, true, uriFailed}, {true, false, found}, {true, true, foundFailed}} {
			if got := s.Fetches(test.discovery, test.failed); got != test.want {
				t.Errorf("discovery %v, failed %v: %d, want %d", test.discovery, test.failed, got, test.want)
			}
		}
	}
	want(0, 0, 0, 0)
	wantKeys(t, s, p.source(), "a", 1)
	wantKeys(t, s, p.source(), "a", 1)
	wantKeys(t, s, Source{Issuer: p.URL}, "a", 1)
	want(1, 0, 1, 0)
	p.set(func() { p.down = true })
	refresh(t, s, c, 12*time.Minute)
	want(1, 1, 1, 1)
}
