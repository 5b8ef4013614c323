package blackbox

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"authserver/test/harness"
)

// askThrough sends a token request as a proxy forwards it, with what the proxy adds to the header.
func askThrough(t *testing.T, s *harness.Server, body url.Values, header http.Header) harness.Answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/oauth2/token", strings.NewReader(body.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header.Clone()
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return harness.Do(t, request)
}

// The log has the address of the client, as far as the settings trust the proxy that names it.
func TestTrustedProxy(t *testing.T) {
	t.Parallel()
	const id = "the-request-of-this-case"
	listed := func(lines ...string) http.Header { return http.Header{"X-Forwarded-For": lines} }
	for proxies, cases := range map[string][]struct {
		header http.Header
		want   string
	}{
		"": {
			{listed("203.0.113.9"), `"client_address":"127.0.0.1"`},
			{http.Header{"Forwarded": {"for=203.0.113.9"}}, `"client_address":"127.0.0.1"`},
		},
		"192.0.2.1": {{listed("203.0.113.9"), `"client_address":"127.0.0.1"`}},
		"127.0.0.1,10.0.0.0/8": {
			{listed("203.0.113.9"), `"client_address":"203.0.113.9","proxy":"127.0.0.1"`},
			{listed("192.0.2.66, 203.0.113.9, 10.1.2.3"), `"client_address":"203.0.113.9"`},
			{listed("192.0.2.66", "203.0.113.9:4711", "10.1.2.3"), `"client_address":"203.0.113.9"`},
			{http.Header{"Forwarded": {`for=192.0.2.66, for="[2001:db8::9]:4711";proto=https`}}, `"client_address":"2001:db8::9"`},
			{http.Header{"X-Forwarded-For": {"203.0.113.9"}, "Forwarded": {"for=192.0.2.66"}}, `"client_address":"127.0.0.1"`},
			{listed("203.0.113.9, unknown"), `"client_address":"127.0.0.1"`},
		},
	} {
		t.Run("trusted: "+proxies, func(t *testing.T) {
			d := harness.SQLite(t)
			if proxies != "" {
				d.Set("TRUSTED_PROXY", proxies)
			}
			s := d.Start()
			for _, c := range cases {
				c.header.Set("X-Request-Id", id)
				before := len(s.Logs())
				if answer := askThrough(t, s, clientCredentials(), c.header); answer.Status != http.StatusUnauthorized {
					t.Fatalf("%d %s", answer.Status, answer.Raw)
				}
				line := ""
				harness.Eventually(t, reached, "the request is in the log", func() bool {
					line = s.Logs()[before:]
					return strings.Contains(line, id)
				})
				if !strings.Contains(line, c.want) {
					t.Errorf("%v: %s", c.header, line)
				}
			}
		})
	}
}

// Behind a proxy, an address that floods with assertions and names no client does not affect
// another address. The test runs alone, because it counts answers under load.
func TestFloodBehindAProxy(t *testing.T) {
	d := harness.SQLite(t)
	d.Env = append(d.Env, "GOMAXPROCS=2") // the number of places follows from it
	d.Set("REQUEST_QUEUE", "4")
	d.Set("TRUSTED_PROXY", "127.0.0.1,::1")
	f := register(t, d)
	s := f.Start()
	release := wedge(t, filepath.Join(f.Dir, "authserver.db")) // so that the use of an assertion waits
	from := func(address string) http.Header { return http.Header{"X-Forwarded-For": {address}} }
	var early atomic.Int64
	var all sync.WaitGroup
	for range crowded {
		assertion := f.bySecret(t)
		all.Go(func() {
			switch answer := askThrough(t, s, bearer(assertion), from("203.0.113.9")); {
			case answer.Status == http.StatusTooManyRequests && refusedForNow(answer):
				early.Add(1)
			case answer.Status != http.StatusOK && !refusedForNow(answer):
				t.Errorf("an assertion of the flood is answered %d %s", answer.Status, answer.Raw)
			}
		})
	}
	harness.Eventually(t, 4*time.Second, "most of the flood is refused", func() bool { return early.Load() > crowded/2 })
	other := f.bySecret(t)
	all.Go(func() {
		if answer := askThrough(t, s, bearer(other), from("203.0.113.10")); answer.Status != http.StatusOK {
			t.Errorf("the assertion of another address is answered %d %s", answer.Status, answer.Raw)
		}
	})
	harness.Eventually(t, 4*time.Second, "the request of the other address is let in", func() bool {
		return strings.Contains(string(harness.Get(t, s.OpsURL+"/metrics").Raw), `authserver_turns_in_flight{kind="`+jwtBearer+`"} 11`)
	})
	release()
	all.Wait()
}
