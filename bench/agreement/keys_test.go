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

// table reads a change of the keys in the database, because the command that makes the change ends
// later.
type table struct{ db *sql.DB }

func openTable(tb testing.TB, d *harness.Deployment) table {
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
	return table{db}
}

// count changes with a key that is new or revoked. The version of the key plan is not suitable: it
// also changes with records of the servers that are not published.
func (t table) count(tb testing.TB) (n int) {
	tb.Helper()
	if err := t.db.QueryRowContext(tb.Context(), "SELECT count(*) + count(revoked_at) FROM signing_keys").Scan(&n); err != nil {
		tb.Fatal(err)
	}
	return n
}

// change rotates or revokes the key that signs, in turn and by command. It returns the time until
// every replica published the new keys, from the last moment at which the change was not in the
// database yet.
func (f *fleet) change(tb testing.TB) time.Duration {
	tb.Helper()
	answer := f.replicas[0].MustToken(tb, f.client, url.Values{"grant_type": {"client_credentials"}})
	args := []string{"key", "rotate", "--alg", "ES256", "--now", "--yes"}
	if f.changes++; f.changes%2 == 0 {
		args = []string{"key", "revoke", "--reason", "drill", "--yes", "--", kid(tb, answer.Text("access_token"))}
	}
	before, count := f.sets(tb), f.table.count(tb)
	done := make(chan string, 1)
	go func() {
		_, stderr, code := f.Try("", args...)
		if code == 0 {
			stderr = ""
		}
		done <- stderr
	}()
	began := time.Now()
	await(tb, "the command changes the keys", func() bool {
		looked := time.Now()
		if f.table.count(tb) != count {
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
