package harness

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwt"
)

// KeepWhatTheyRead waits until servers keep the clients, users and resources that they read. Call
// it before a test takes their database away. When its watcher begins to listen, and with each
// change, a server drops what it has read so far, and issuers last. So when it has read an issuer
// again, it has dropped the others.
func (d *Deployment) KeepWhatTheyRead(servers ...*Server) {
	d.t.Helper()
	const watched, secret = "https://watched.example.com", "shared-secret-of-watched-32-bytes!"
	d.Run("resource", "create", "--id", watched, "--scope", "read")
	d.Run("issuer", "create", "--iss", watched, "--secret-file", d.File("watched.secret", secret), "--subject", "any",
		"--require-client-auth=false", "--scope", "read", "--resource", watched)
	ask := func(s *Server) int {
		now := time.Now()
		token, err := jwt.NewBuilder().Issuer(watched).Subject("workload").Audience([]string{Issuer}).
			IssuedAt(now).Expiration(now.Add(time.Minute)).JwtID(rand.Text()).Build()
		if err != nil {
			d.t.Fatal(err)
		}
		signed, err := jwt.Sign(token, jwt.WithKey(jwa.HS256, []byte(secret)))
		if err != nil {
			d.t.Fatal(err)
		}
		return s.Token(d.t, Credentials{}, url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {string(signed)},
		}).Status
	}
	for _, s := range servers {
		if status := ask(s); status != http.StatusOK {
			d.t.Fatalf("an assertion is answered with %d", status)
		}
	}
	d.Run("issuer", "update", watched, "--disabled")
	for _, s := range servers {
		Eventually(d.t, 20*time.Second, "the server has read the issuer again", func() bool { return ask(s) == http.StatusBadRequest })
	}
}
