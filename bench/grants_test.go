package bench

import (
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"authserver/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	apiRS256 = "https://rs.example.com"
	apiES256 = "https://es.example.com"
	issuer   = "https://issuer.example.com"
	secret   = "shared-secret-of-an-issuer-32-bytes!"
)

// stage is a running server with a client for everything, shared by the benches of
// one engine.
type stage struct {
	*harness.Server
	client harness.Credentials
	keys   signers
}

func newStage(b *testing.B, d *harness.Deployment) stage {
	b.Helper()
	d.Set("BCRYPT_COST", strconv.Itoa(benchCost))
	d.Run("migrate", "up")
	d.Run("resource", "create", "--id", apiRS256, "--scope", "read")
	d.Run("resource", "create", "--id", apiES256, "--scope", "read", "--signing-alg", "ES256")
	made := d.JSON("", "client", "create", "--id", "bench", "--scope", "read", "--resource", apiRS256, "--resource", apiES256,
		"--grant", "client_credentials", "--grant", "password", "--grant", "refresh_token", "--grant", "jwt-bearer")
	d.RunWith("wonderland\n", "user", "create", "--username", "alice", "--password-stdin")
	d.Run("issuer", "create", "--iss", issuer, "--scope", "read", "--resource", apiES256, "--require-client-auth=false",
		"--secret-file", d.File("issuer.secret", secret))
	keys := newSigners(b, d)
	return stage{d.Start(), harness.Credentials{ID: "bench", Secret: made["client_secret"].(string)}, keys}
}

// BenchmarkGrants measures one request after the other on each engine. x-floor is
// the time of a request over that of its floor.
func BenchmarkGrants(b *testing.B) {
	floor := newFloors(b)
	for _, engine := range []struct {
		name string
		make func(testing.TB) *harness.Deployment
	}{{"sqlite", harness.SQLite}, {"postgres", harness.PostgreSQL}} {
		var s stage
		start := sync.OnceFunc(func() { s = newStage(b, engine.make(b)) })
		for _, row := range append(rows(&s, floor), signedRows(&s, floor)...) {
			b.Run(row.name+"/"+engine.name, func(b *testing.B) {
				start()
				measure(b, row.floor, row.prepare(b))
			})
		}
	}
}

// row is a bench: what is prepared outside of the clock, and what is measured.
type row struct {
	name    string
	floor   func() time.Duration
	prepare func(b *testing.B) func(b *testing.B)
}

func rows(s *stage, floor floors) []row {
	ask := func(values func() url.Values) func(*testing.B) func(*testing.B) {
		return func(*testing.B) func(*testing.B) {
			return func(b *testing.B) { s.MustToken(b, s.client, values()) }
		}
	}
	return []row{
		{"ClientCredentialsRS256", floor.rs256, ask(func() url.Values { return clientCredentials(apiRS256) })},
		{"ClientCredentialsES256", floor.es256, ask(func() url.Values { return clientCredentials(apiES256) })},
		{"Password", floor.bcrypt, ask(login)},
		{"Refresh", floor.es256, func(b *testing.B) func(*testing.B) {
			token := s.MustToken(b, s.client, login()).Text("refresh_token")
			return func(b *testing.B) {
				token = s.MustToken(b, s.client, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}).Text("refresh_token")
			}
		}},
		{"JWTBearerHS256", floor.es256, func(*testing.B) func(*testing.B) {
			return func(b *testing.B) {
				s.MustToken(b, harness.Credentials{}, url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion(b)}})
			}
		}},
		{"Introspection", floor.static, func(b *testing.B) func(*testing.B) {
			token := s.MustToken(b, s.client, clientCredentials(apiES256)).Text("access_token")
			return func(b *testing.B) {
				if !s.Active(b, s.client, token) {
					b.Fatal("the token is inactive")
				}
			}
		}},
		{"Revocation", floor.static, func(b *testing.B) func(*testing.B) {
			token := s.MustToken(b, s.client, clientCredentials(apiES256)).Text("access_token")
			return func(b *testing.B) {
				if answer := s.Post(b, "/oauth2/revoke", s.client, url.Values{"token": {token}}); answer.Status != http.StatusOK {
					b.Fatalf("%d %s", answer.Status, answer.Raw)
				}
			}
		}},
		{"JWKS", floor.static, func(*testing.B) func(*testing.B) {
			return func(b *testing.B) {
				if answer := harness.Get(b, s.URL+"/.well-known/jwks.json"); answer.Status != http.StatusOK {
					b.Fatalf("%d %s", answer.Status, answer.Raw)
				}
			}
		}},
	}
}

func measure(b *testing.B, floor func() time.Duration, work func(*testing.B)) {
	least := floor()
	work(b) // warm caches and connections
	for b.Loop() {
		work(b)
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(least), "x-floor")
}

func clientCredentials(resource string) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "resource": {resource}}
}

func login() url.Values {
	return url.Values{"grant_type": {"password"}, "username": {"alice"}, "password": {"wonderland"}, "resource": {apiES256}}
}

func assertion(b *testing.B) string {
	b.Helper()
	now := time.Now()
	token, err := jwt.NewBuilder().Issuer(issuer).Subject("alice").Audience([]string{harness.Issuer}).
		IssuedAt(now).Expiration(now.Add(time.Minute)).JwtID(uuid.NewString()).Build()
	if err != nil {
		b.Fatal(err)
	}
	signed, err := jwt.Sign(token, jwt.WithKey(jwa.HS256, []byte(secret)))
	if err != nil {
		b.Fatal(err)
	}
	return string(signed)
}
