package blackbox

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"authserver/test/harness"
)

// A server without a key to publish says so and does not start: a verifier that fetched an empty
// set would refuse every token.
func TestNoServerWithoutUsableKeys(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, statement string
		want            string // what the message tells the operator to do
	}{
		{"keys that were cut short", `UPDATE signing_keys SET sealed = x'00'`, "restore the row from a backup"},
		{"keys that were changed", `UPDATE signing_keys SET sealed = CAST(substr(sealed, 1, length(sealed) - 8) || randomblob(8) AS BLOB)`, "restore the row from a backup"},
		{"keys in each other's rows", `UPDATE signing_keys SET sealed = (SELECT sealed FROM signing_keys AS s WHERE s.kid <> signing_keys.kid LIMIT 1)`, "restore the row from a backup"},
		{"the keys of one algorithm alone", `UPDATE signing_keys SET sealed = x'00' WHERE alg = 'ES256'`, "restore the row from a backup"},
		{"keys that were all removed", `UPDATE signing_keys SET retired_at = active_at, removed_at = active_at`, "the list of the keys says why"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := harness.SQLite(t)
			s := d.Start()
			wholeSet(t, s)
			if code := s.Stop(); code != 0 {
				t.Fatalf("the server ended with %d", code)
			}
			change(t, filepath.Join(d.Dir, "authserver.db"), test.statement)
			stdout, stderr, code := d.Try("", "serve")
			if code != 1 || !strings.Contains(stderr, "signing key") || !strings.Contains(stderr, test.want) {
				t.Errorf("exit code %d, want 1 and a message that says %q: %s%s", code, test.want, stdout, stderr)
			}
		})
	}
	t.Run("keys that were deleted are made anew", func(t *testing.T) {
		d := harness.SQLite(t)
		s := d.Start()
		wholeSet(t, s)
		s.Stop()
		change(t, filepath.Join(d.Dir, "authserver.db"), `DELETE FROM signing_keys`)
		if set := kids(t, d.Start()); len(set) < 2 {
			t.Errorf("the set has the keys %v", set)
		}
	})
}

// change changes rows without the server.
func change(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	result, err := db.ExecContext(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := result.RowsAffected(); err != nil || changed == 0 {
		t.Fatalf("%s changed %d rows (%v)", statement, changed, err)
	}
}
