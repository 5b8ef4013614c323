package blackbox

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"
)

// noticed is how long a server may take to become ready or not: its answer is at most a second old,
// a check takes two seconds, and a failed call counts for ten. The rest is for the other tests that
// run at the same time. TestSQLiteWriterWedged and TestDatabaseOutage, which run alone, require
// five seconds.
const noticed = 30 * time.Second

// isReady requires an answer of /readyz on both listeners, and the same health from a container.
func isReady(t *testing.T, d *harness.Deployment, s *harness.Server, want bool) {
	t.Helper()
	status, code, database := http.StatusOK, 0, "ok"
	if !want {
		status, code, database = http.StatusServiceUnavailable, 1, "failed"
	}
	harness.Eventually(t, noticed, "/readyz answers "+http.StatusText(status), func() bool {
		answer := harness.Get(t, s.OpsURL+"/readyz")
		checks, _ := answer.Body["checks"].(map[string]any)
		return answer.Status == status && checks["database"] == database
	})
	if answer := harness.Get(t, s.URL+"/readyz"); answer.Status != status {
		t.Errorf("the public listener answers %d %s", answer.Status, answer.Raw)
	}
	if _, stderr, got := d.Try("", "healthcheck", "--ops-listen", strings.TrimPrefix(s.OpsURL, "http://")); got != code {
		t.Errorf("healthcheck ends with %d, want %d: %s", got, code, stderr)
	}
	if answer := harness.Get(t, s.URL+"/healthz"); answer.Status != http.StatusOK {
		t.Errorf("/healthz answers %d %s", answer.Status, answer.Raw)
	}
}

// saysOnce requires the log to have the reason once, however many requests there were.
func saysOnce(t *testing.T, s *harness.Server, reason string) {
	t.Helper()
	for range 3 {
		time.Sleep(1100 * time.Millisecond) // so that the earlier result is not fresh any more
		harness.Get(t, s.OpsURL+"/readyz")
	}
	var lines []string
	for line := range strings.Lines(s.Logs()) {
		if strings.Contains(line, "not ready: a check fails") {
			lines = append(lines, line)
		}
	}
	// A check that runs when the administrator ends the sessions fails because of that, and logs
	// nothing else.
	if len(lines) != 1 || !strings.Contains(lines[0], reason) && !strings.Contains(lines[0], "SQLSTATE 57P01") {
		t.Errorf("the log says %d times that a check fails, want once and that %q: %s", len(lines), reason, lines)
	}
}

func TestADatabaseFileThatIsGoneIsNoticed(t *testing.T) {
	for _, c := range []struct {
		name   string
		harm   func(path string) error
		reason string
	}{
		{"deleted", os.Remove, "was deleted or moved"},
		{"replaced by a backup", func(path string) error {
			content, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(path+".backup", content, 0o600), os.Rename(path+".backup", path))
		}, "was replaced by another file"},
		{"without its log", func(path string) error { return os.Remove(path + "-wal") }, "authserver.db-wal was deleted or moved"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := register(t, harness.SQLite(t))
			s := f.Start()
			first := s.MustToken(t, f.web, login())
			isReady(t, f.Deployment, s, true)
			path := filepath.Join(f.Dir, "authserver.db")
			if err := c.harm(path); err != nil {
				t.Fatal(err)
			}
			if answer := s.Token(t, f.web, login()); answer.Status != http.StatusServiceUnavailable {
				t.Errorf("a login is answered with %d %s", answer.Status, answer.Raw)
			}
			again := refresh(first.Text("refresh_token"))
			if answer := s.Token(t, f.web, again); answer.Status != http.StatusServiceUnavailable {
				t.Errorf("a refresh is answered with %d %s", answer.Status, answer.Raw)
			}
			isReady(t, f.Deployment, s, false)
			saysOnce(t, s, c.reason)
			if _, err := os.Stat(path); c.name == "deleted" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a database was made anew: %v", err)
			}
		})
	}
}

// If the same file comes back, the login continues.
func TestADatabaseFileThatComesBackIsNoticed(t *testing.T) {
	t.Parallel()
	f := register(t, harness.SQLite(t))
	s := f.Start()
	first := s.MustToken(t, f.web, login())
	again := refresh(first.Text("refresh_token"))
	path := filepath.Join(f.Dir, "authserver.db")
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	isReady(t, f.Deployment, s, false)
	if answer := s.Token(t, f.web, again); answer.Status != http.StatusServiceUnavailable {
		t.Errorf("a refresh is answered with %d %s", answer.Status, answer.Raw)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	isReady(t, f.Deployment, s, true)
	s.MustToken(t, f.web, again)
}

func TestAPostgreSQLThatTakesNoWritesIsNoticed(t *testing.T) {
	const drop = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
	for _, c := range []struct {
		name, reason string
		harm, mend   []string
	}{
		{"read-only", "read-only",
			[]string{"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$", drop},
			[]string{"SET default_transaction_read_only = off",
				"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$", drop}},
		{"without a table", "tables are missing: used_assertions",
			[]string{"ALTER TABLE used_assertions RENAME TO gone"}, []string{"ALTER TABLE gone RENAME TO used_assertions"}},
		{"without the table of the probe", "probes",
			[]string{"ALTER TABLE probes RENAME TO gone"}, []string{"ALTER TABLE gone RENAME TO probes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := register(t, harness.PostgreSQL(t))
			s := f.Start()
			isReady(t, f.Deployment, s, true)
			db := openDatabase(t, f.Deployment)
			db.SetMaxOpenConns(1)
			change := func(statements []string) {
				t.Helper()
				for _, statement := range statements {
					if _, err := db.ExecContext(t.Context(), statement); err != nil {
						t.Fatalf("%s: %v", statement, err)
					}
				}
			}
			change(c.harm)
			isReady(t, f.Deployment, s, false)
			saysOnce(t, s, c.reason)
			change(c.mend)
			isReady(t, f.Deployment, s, true)
			if answer := s.Token(t, f.web, login()); answer.Status != http.StatusOK {
				t.Errorf("a login is answered with %d %s", answer.Status, answer.Raw)
			}
		})
	}
}
