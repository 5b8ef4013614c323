package agreement

import (
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	_ "modernc.org/sqlite"             // the driver sqlite

	"authserver/test/harness"
)

// plan sees a change of the keys in the database: the command that makes it ends
// later than the change is there.
type plan struct{ db *sql.DB }

func openPlan(tb testing.TB, d *harness.Deployment) plan {
	tb.Helper()
	driver, source := "pgx", d.DatabaseURL()
	if d.Engine == "sqlite" {
		driver, source = "sqlite", strings.TrimPrefix(source, "sqlite:")
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	return plan{db}
}

func (p plan) version(tb testing.TB) (version int64) {
	tb.Helper()
	if err := p.db.QueryRowContext(tb.Context(), "SELECT version FROM key_plan").Scan(&version); err != nil {
		tb.Fatal(err)
	}
	return version
}

// change rotates or revokes the key that signs, in turn and by command, and returns
// how long it was until every replica published the keys that there are then, from
// the last moment at which the change was not in the database yet.
func (f *fleet) change(tb testing.TB) time.Duration {
	tb.Helper()
	answer := f.replicas[0].MustToken(tb, f.client, url.Values{"grant_type": {"client_credentials"}})
	args := []string{"key", "rotate", "--alg", "ES256", "--now", "--yes"}
	if f.changes++; f.changes%2 == 0 {
		args = []string{"key", "revoke", "--reason", "drill", "--yes", "--", kid(tb, answer.Text("access_token"))}
	}
	before, version := f.sets(tb), f.plan.version(tb)
	done := make(chan string, 1)
	go func() {
		_, stderr, code := f.Try("", args...)
		if code == 0 {
			stderr = ""
		}
		done <- stderr
	}()
	var began time.Time
	await(tb, "the command changes the keys", func() bool {
		looked := time.Now()
		if f.plan.version(tb) != version {
			return true
		}
		began = looked
		return false
	})
	for i, replica := range f.replicas {
		await(tb, "the replica publishes other keys", func() bool {
			return string(harness.Get(tb, replica.URL+"/.well-known/jwks.json").Raw) != before[i]
		})
	}
	took := time.Since(began)
	if stderr := <-done; stderr != "" {
		tb.Fatalf("%v: %s", args, stderr)
	}
	f.settle(tb, 0)
	return took
}

func kid(tb testing.TB, token string) string {
	tb.Helper()
	first, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	var header struct {
		KID string `json:"kid"`
	}
	if err == nil {
		err = json.Unmarshal(text, &header)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return header.KID
}
