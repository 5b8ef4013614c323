package docs

import (
	"context"
	"database/sql"
	"net/url"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	_ "modernc.org/sqlite"             // the driver sqlite

	"authserver/test/harness"
)

const (
	username = "alice"
	password = "curiouser-and-curiouser"
	issuer   = "https://idp.example.com"
)

// TestTheMasterKeyIsLost runs the SQL of docs/keys.md for a lost master key, and checks what the
// page says about what is lost and what remains.
func TestTheMasterKeyIsLost(t *testing.T) {
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		secret := d.File("secret.txt", "a-shared-secret-of-32-bytes-or-more")
		s := d.Start()
		refresh := login(t, d, s)
		made := d.JSON("", "client", "create", "--id", "web", "--grant", "client_credentials")
		d.Run("issuer", "create", "--iss", issuer, "--secret-file", secret)
		s.Stop()

		d.Set("MASTER_KEY_FILE", d.File("newer.key", d.Run("key", "generate-master")))
		if _, stderr, code := d.Try("", "serve"); code != 1 || !strings.Contains(stderr, "is sealed under master key") {
			t.Fatalf("with another master key a server ends with %d: %s", code, stderr)
		}
		if lost := execute(t, d, "The master key is lost"); len(lost) != 1 || lost[0] != issuer {
			t.Errorf("the issuers that lost their secret are %q, want %q", lost, issuer)
		}
		s = d.Start()
		web := harness.Credentials{ID: "web"}
		web.Secret, _ = made["client_secret"].(string)
		s.Verify(t, s.MustToken(t, web, url.Values{"grant_type": {"client_credentials"}}).Text("access_token"), harness.Issuer)
		if answer := exchange(t, s, refresh); answer.Text("error") != "invalid_grant" {
			t.Errorf("a refresh token from before gets %d: %s", answer.Status, answer.Raw)
		}
		loginAgain(t, s)
		d.Run("issuer", "update", issuer, "--secret-file", secret)
		d.Run("key", "list")
	})
}

// TestARefreshTokenKeyLeaked runs the SQL of docs/keys.md that ends the refresh tokens of one key.
func TestARefreshTokenKeyLeaked(t *testing.T) {
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) {
		d.Set("KEY_POLL_INTERVAL", "4s")
		d.Set("CLOCK_SKEW", "0s")
		s := d.Start()
		refresh := login(t, d, s)
		listed := func() string { return d.Run("key", "refresh-token-keys") }
		harness.Eventually(t, 30*time.Second, "the next key is made", func() bool { return strings.Contains(listed(), "\n2   pending") })
		d.Run("key", "refresh-token-keys", "--rotate")
		harness.Eventually(t, 30*time.Second, "the next key is in use", func() bool { return strings.Contains(listed(), "\n2   active") })

		execute(t, d, "A refresh token key leaked, or is due")
		if out := listed(); strings.Contains(out, "\n1 ") {
			t.Errorf("key 1 is listed still:\n%s", out)
		}
		harness.Eventually(t, 30*time.Second, "the server has heard", func() bool {
			return exchange(t, s, refresh).Text("error") == "invalid_grant"
		})
		if answer := exchange(t, s, loginAgain(t, s)); answer.Status != 200 {
			t.Errorf("a refresh token of now gets %d: %s", answer.Status, answer.Raw)
		}
	})
}

// login registers a user and a public client, and returns a refresh token.
func login(t *testing.T, d *harness.Deployment, s *harness.Server) string {
	t.Helper()
	d.RunWith(password, "user", "create", "--username", username, "--password-stdin")
	d.Run("client", "create", "--id", "app", "--public", "--grant", "password", "--grant", "refresh_token")
	return loginAgain(t, s)
}

func loginAgain(t *testing.T, s *harness.Server) string {
	t.Helper()
	return s.MustToken(t, harness.Credentials{ID: "app"}, url.Values{
		"grant_type": {"password"}, "username": {username}, "password": {password},
	}).Text("refresh_token")
}

func exchange(t *testing.T, s *harness.Server, refresh string) harness.Answer {
	t.Helper()
	return s.Token(t, harness.Credentials{ID: "app"}, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
}

// execute runs the SQL below a heading of docs/keys.md in the database, as its reader would, and
// returns the first column of the result.
func execute(t *testing.T, d *harness.Deployment, heading string) []string {
	t.Helper()
	ctx := context.Background()
	var statements []string
	for _, b := range readPage(t, keysPage).under(heading) {
		if b.language == "sql" {
			statements = append(statements, strings.SplitAfter(strings.TrimSpace(b.text), ";")...)
		}
	}
	if len(statements) == 0 {
		t.Fatalf("%s has no SQL below %q", keysPage, heading)
	}
	driver, source := "pgx", ""
	for _, variable := range d.Env {
		if value, ok := strings.CutPrefix(variable, "AUTHSERVER_DATABASE_URL="); ok {
			source = value
		}
	}
	if path, ok := strings.CutPrefix(source, "sqlite:"); ok {
		driver, source = "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // a transaction belongs to one connection
	var answer []string
	for _, statement := range statements {
		answer = append(answer, query(ctx, t, db, statement)...)
	}
	return answer
}

func query(ctx context.Context, t *testing.T, db *sql.DB, statement string) []string {
	t.Helper()
	if strings.TrimSpace(statement) == "" {
		return nil
	}
	rows, err := db.QueryContext(ctx, statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer func() { _ = rows.Close() }()
	var answer []string
	for rows.Next() {
		var cell string
		if err := rows.Scan(&cell); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		answer = append(answer, cell)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return answer
}
