package blackbox

import (
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"

	"authserver/internal/testkit"
	"authserver/test/harness"
)

// A revocation is kept until the last token that a server may have issued has expired, whichever
// process revokes: a command or a replica with shorter lifetimes, or the only server after a
// restart with them.
func TestWhatIsVoidIsKeptForTheLongestLifetime(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		short := []string{"--max-access-token-ttl", "1m", "--default-access-token-ttl", "1m"}
		long := d.Start("--max-access-token-ttl", "20h")
		first, second, third := long.MustToken(t, f.web, login()), long.MustToken(t, f.web, login()), long.MustToken(t, f.web, login())
		other := d.Start(short...)
		ends := time.Now().Add(20 * time.Hour)

		wanted := 0
		kept := func(what string, tokens ...harness.Answer) {
			t.Helper()
			wanted++
			for _, server := range []*harness.Server{long, other} {
				for _, token := range tokens {
					harness.Eventually(t, reached, what, func() bool { return !server.Active(t, f.reader, token.Text("access_token")) })
				}
			}
			if got := keptFor(t, d, ends); got != wanted {
				t.Errorf("%s: %d revocations are kept until the last token of a server is over, want %d", what, got, wanted)
			}
		}
		other.Post(t, "/oauth2/revoke", f.web, form("token", first.Text("refresh_token")))
		kept("a replica with shorter lifetimes revokes a family", first)

		exchanged := other.MustToken(t, f.web, refresh(second.Text("refresh_token")))
		other.MustToken(t, f.web, refresh(exchanged.Text("refresh_token")))
		if answer := other.Token(t, f.web, refresh(second.Text("refresh_token"))); answer.Status != 400 {
			t.Fatalf("a refresh token that was used twice: %d %s", answer.Status, answer.Raw)
		}
		kept("a replica with shorter lifetimes finds a reuse", second, exchanged)

		d.Set("MAX_ACCESS_TOKEN_TTL", "1m")
		d.Set("DEFAULT_ACCESS_TOKEN_TTL", "1m")
		d.Run("user", "update", "alice", "--disabled")
		kept("a command with shorter lifetimes disables a user", third)
		batch := long.MustToken(t, f.batch, clientCredentials())
		d.Run("client", "update", "batch", "--disabled")
		kept("a command with shorter lifetimes disables a client", batch)

		d.Run("user", "update", "alice", "--enabled")
		last := long.MustToken(t, f.web, login())
		long.Stop()
		other.Stop()
		other = d.Start(short...)
		long = other
		other.Post(t, "/oauth2/revoke", f.web, form("token", last.Text("refresh_token")))
		kept("the only server, started anew with shorter lifetimes, revokes a family", last)
	})
}

// keptFor counts the revocations that are kept until a moment.
func keptFor(t *testing.T, d *harness.Deployment, until time.Time) (count int) {
	t.Helper()
	var moment any = until.UTC()
	query := "SELECT count(*) FROM revocations WHERE expires_at > $1"
	if d.Engine == "sqlite" {
		moment = until.UnixMicro()
	}
	if err := openDatabase(t, d).QueryRowContext(t.Context(), query, moment).Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

// A client revokes the encrypted token as it got it, at any replica and after a restart, and the
// token inside is void for the resource. Nothing is stored for it before.
func TestAnEncryptedTokenIsRevokedAsItIs(t *testing.T) {
	t.Parallel()
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		f := register(t, d)
		private := testkit.P256(t)
		d.Run("resource", "update", apiRS256, "--encryption-jwk-file", d.File("api.jwk", string(testkit.JWK(t, private.Public(), nil))))
		one, other := d.Start(), d.Start()
		within := func(token string) string {
			t.Helper()
			signed, err := jwe.Decrypt([]byte(token), jwe.WithKey(jwa.ECDH_ES, private))
			if err != nil {
				t.Fatal(err)
			}
			return string(signed)
		}
		token := one.MustToken(t, f.batch, clientCredentials("resource", apiRS256)).Text("access_token")
		bystander := one.MustToken(t, f.batch, clientCredentials("resource", apiRS256)).Text("access_token")
		one.Stop()
		one = d.Start()
		before := keptFor(t, d, time.Time{}) // a registration makes revocations of its own
		for _, refused := range []struct {
			who   harness.Credentials
			token string
			code  string
		}{
			{f.web, token, "unauthorized_client"},
			{f.batch, token[:strings.Index(token, ".")-20] + token[strings.Index(token, "."):], "unsupported_token_type"},
			{f.batch, "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AA.AA.AA", "unsupported_token_type"},
		} {
			answer := one.Post(t, "/oauth2/revoke", refused.who, form("token", refused.token))
			if answer.Status != 400 || answer.Text("error") != refused.code {
				t.Errorf("answered %d %s, want %s", answer.Status, answer.Raw, refused.code)
			}
		}
		if after := keptFor(t, d, time.Time{}); after != before {
			t.Errorf("%d revocations are recorded, and %d were", after, before)
		}
		if answer := other.Post(t, "/oauth2/revoke", f.batch, form("token", token)); answer.Status != 200 {
			t.Fatalf("the revocation is answered %d %s", answer.Status, answer.Raw)
		}
		for _, replica := range []*harness.Server{one, other} {
			harness.Eventually(t, reached, "the token is void", func() bool { return !replica.Active(t, f.reader, within(token)) })
			if !replica.Active(t, f.reader, within(bystander)) {
				t.Error("another token went with it")
			}
		}
	})
}
