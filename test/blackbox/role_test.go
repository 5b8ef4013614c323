package blackbox

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"authserver/test/harness"
)

// A server whose PostgreSQL role owns nothing, and has only the rights of docs/migrations.md,
// serves requests and commands, and cannot change the schema.
func TestAServerThatDoesNotOwnItsSchema(t *testing.T) {
	t.Parallel()
	d := harness.PostgreSQL(t)
	owner, err := pgx.Connect(t.Context(), d.DatabaseURL())
	if err != nil {
		t.Fatal(err)
	}
	role, password := "authserver_role_"+strings.ToLower(rand.Text()), rand.Text()
	d.Run("migrate", "up")
	if _, err := owner.Exec(t.Context(), rightsInTheDocs(t, role, password)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		if _, err := owner.Exec(ctx, fmt.Sprintf("DROP OWNED BY %[1]s; DROP ROLE %[1]s", role)); err != nil {
			t.Error(err)
		}
		_ = owner.Close(ctx)
	})
	as, err := url.Parse(d.DatabaseURL())
	if err != nil {
		t.Fatal(err)
	}
	as.User = url.UserPassword(role, password)
	d.Set("DATABASE_URL", as.String())

	f := registerByCommands(t, d)
	one, other := f.Start(), f.Start()
	first := one.MustToken(t, f.web, login())
	second := other.MustToken(t, f.web, refresh(first.Text("refresh_token")))
	if !one.Active(t, f.reader, second.Text("access_token")) {
		t.Error("the refreshed token is not active")
	}
	d.Run("key", "rotate")
	d.Run("user", "update", "alice", "--disabled")
	harness.Eventually(t, time.Minute, "the tokens of a disabled user are void", func() bool { return !other.Active(t, f.reader, second.Text("access_token")) })
	if list := d.Run("audit", "list"); !strings.Contains(list, "user.updated") {
		t.Errorf("the audit log is\n%s", list)
	}
	for _, s := range []*harness.Server{one, other} {
		if logs := s.Logs(); strings.Contains(logs, "permission denied") {
			t.Errorf("the log says\n%s", logs)
		}
	}
	if _, stderr, code := d.Try("", "migrate", "down", "--steps", "1", "--yes"); code == 0 {
		t.Errorf("the role changes the schema: %s", stderr)
	}
}

// rightsInTheDocs returns the statements of docs/migrations.md, for a role of that name.
func rightsInTheDocs(t *testing.T, role, password string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/migrations.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```sql\n(.*?)```").FindSubmatch(text)
	if block == nil {
		t.Fatal("docs/migrations.md has no statements")
	}
	return strings.NewReplacer("authserver_server", role, "'…'", "'"+password+"'").Replace(string(block[1]))
}
