package blackbox

import (
	"testing"
	"time"

	"authserver/test/harness"
)

// What is void is kept until the last token that a server has promised is over, whoever
// voids it: a command or a replica with shorter lifetimes, or the only server after it was
// started anew with them.
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
					harness.Eventually(t, promised, what, func() bool { return !server.Active(t, f.reader, token.Text("access_token")) })
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
