//go:build deploy

package deploy

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"
	"authserver/test/pgtest"
	"authserver/test/ports"
)

func TestMain(m *testing.M) { harness.Main(m) }

const secret = "a-secret-that-is-not-known-to-all"

// drainDelay is longer than a proxy takes to notice that a replica is not ready.
const drainDelay = 3 * time.Second

// fleet is two replicas on one PostgreSQL, behind a proxy.
type fleet struct {
	d         *harness.Deployment
	wire      *pgtest.Wire
	addresses [2]string
	servers   [2]*harness.Server
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	d := harness.PostgreSQL(t)
	wire := pgtest.NewWire(t, d.DatabaseURL())
	d.Set("DATABASE_URL", wire.URL)
	d.Set("DRAIN_DELAY", drainDelay.String())
	d.Set("TRUSTED_PROXY", "127.0.0.1")
	f := &fleet{d: d, wire: wire, addresses: [2]string{ports.Address(t), ports.Address(t)}}
	for i := range f.servers {
		f.start(t, i)
	}
	d.Run("client", "create", "--id", "batch", "--grant", "client_credentials", "--secret-file", d.File("secret", secret))
	d.Run("client", "create", "--id", "app", "--public", "--grant", "password", "--grant", "refresh_token")
	d.RunWith("curiouser-and-curiouser", "user", "create", "--username", "alice", "--password-stdin")
	return f
}

func (f *fleet) start(t *testing.T, i int) {
	t.Helper()
	f.servers[i] = f.d.Start("--listen", f.addresses[i])
	harness.Eventually(t, 30*time.Second, "the replica is ready", func() bool {
		return status(http.DefaultClient, f.servers[i].URL+"/readyz") == http.StatusOK
	})
}

func clientCredentials() url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {"batch"}, "client_secret": {secret}}
}

func login() url.Values {
	return url.Values{"grant_type": {"password"}, "client_id": {"app"}, "username": {"alice"}, "password": {"curiouser-and-curiouser"}}
}

// TestRollingRestart restarts each replica twice while clients send requests: none may fail.
func TestRollingRestart(t *testing.T) {
	for _, p := range proxies() {
		t.Run(p.name, func(t *testing.T) {
			f := newFleet(t)
			at, client := p.start(t, f.addresses)
			l := &load{url: at, client: client}
			l.repeat(6, func() { l.token(clientCredentials()) })
			for range 4 {
				l.refreshing(login())
			}
			for range 2 {
				for i := range f.servers {
					if code := f.servers[i].Stop(); code != 0 {
						t.Errorf("the replica ended with %d:\n%s", code, f.servers[i].Logs())
					}
					f.start(t, i)
				}
			}
			l.stop(t, 500)
		})
	}
}

// TestDatabaseStopped takes the database away from both replicas. They are not ready, the proxy
// still uses both, and no request for client_credentials fails.
func TestDatabaseStopped(t *testing.T) {
	for _, p := range proxies() {
		t.Run(p.name, func(t *testing.T) {
			f := newFleet(t)
			at, client := p.start(t, f.addresses)
			f.d.KeepWhatTheyRead(f.servers[:]...)
			for _, s := range f.servers { // each must have read the client once
				if answer := s.Token(t, harness.Credentials{ID: "batch", Secret: secret}, url.Values{"grant_type": {"client_credentials"}}); answer.Status != http.StatusOK {
					t.Fatalf("%d %s", answer.Status, answer.Raw)
				}
			}
			f.wire.Cut()
			l := &load{url: at, client: client}
			l.repeat(6, func() { l.token(clientCredentials()) })
			harness.Eventually(t, 15*time.Second, "no replica is ready", func() bool {
				return status(client, f.servers[0].URL+"/readyz") == http.StatusServiceUnavailable &&
					status(client, f.servers[1].URL+"/readyz") == http.StatusServiceUnavailable
			})
			before := [2]int{issued(f.servers[0]), issued(f.servers[1])}
			time.Sleep(drainDelay) // the test shows what the proxy does for some time
			for i, s := range f.servers {
				if issued(s) == before[i] {
					t.Errorf("replica %d gets no requests", i)
				}
			}
			l.stop(t, 500)
			f.wire.Mend()
			harness.Eventually(t, 15*time.Second, "refreshes work again", func() bool {
				answer, err := client.PostForm(at+"/oauth2/token", login())
				if err == nil {
					_ = answer.Body.Close()
				}
				return err == nil && answer.StatusCode == http.StatusOK
			})
		})
	}
}

// issued counts the token requests in the log of a replica.
func issued(s *harness.Server) int { return strings.Count(s.Logs(), `"route":"/oauth2/token"`) }
