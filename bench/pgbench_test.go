package bench

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"authserver/test/harness"

	"github.com/jackc/pgx/v5"
)

// pgbench runs our own rotation statement without our code around it: the least that PostgreSQL and
// its protocol cost.
type pgbench struct {
	program, url, script string
	generation           int // that no family has reached yet
}

// newPgbench reads the statement from PostgreSQL, which shows the last statement of a connection as
// it was sent, and makes a family for each connection.
func newPgbench(b testing.TB, s *stage) *pgbench {
	b.Helper()
	connection, err := pgx.Connect(b.Context(), s.deployment.DatabaseURL())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = connection.Close(b.Context()) })
	if _, err := connection.Exec(b.Context(), "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"); err != nil {
		b.Fatalf("the statements cannot be counted: %v", err)
	}
	var statement string
	token := s.ask(b, login()).Text("refresh_token")
	for range 100 { // the background may have sent another statement since
		token = s.ask(b, refresh(token)).Text("refresh_token")
		err = connection.QueryRow(b.Context(), `SELECT query FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE 'UPDATE refresh_families f SET%THEN ''graced''%' LIMIT 1`).Scan(&statement)
		if !errors.Is(err, pgx.ErrNoRows) {
			break
		}
	}
	if err != nil || statement == "" {
		b.Fatalf("PostgreSQL does not show the rotation statement: %v", err)
	}
	_, err = connection.Exec(b.Context(), `INSERT INTO refresh_families
		SELECT (jsonb_populate_record(f, jsonb_build_object('id', '\x' || lpad(to_hex(n), 32, '0'), 'generation', 1))).*
		FROM refresh_families f, generate_series(0, $1::int - 1) n WHERE f.id = (SELECT id FROM refresh_families LIMIT 1)`, connections)
	if err != nil {
		b.Fatalf("families for pgbench: %v", err)
	}
	script := filepath.Join(b.TempDir(), "rotate.sql")
	if err := os.WriteFile(script, []byte("\\set generation :generation + 1\n"+rotation(b, statement)+";\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	program := filepath.Join(os.Getenv("PG_BINDIR"), "pgbench")
	if _, err := os.Stat(program); err != nil {
		program = "pgbench"
	}
	return &pgbench{program, s.deployment.DatabaseURL(), script, 1}
}

// rotation replaces the parameters of the statement by the values of a request
// (internal/store/postgres/rotation.go). A generation ahead of the row's is accepted.
func rotation(b testing.TB, statement string) string {
	b.Helper()
	values := map[int]string{
		1: "decode(lpad(to_hex(:client_id::int), 32, '0'), 'hex')", 2: "(:generation)::bigint", 3: "'bench'", 4: "'-infinity'::timestamptz",
		5: "NULL", 6: "NULL", 7: "now()", 8: "interval '10 s'", 9: "now() + interval '30 d'", 10: "ARRAY[]::text[]", 11: "NULL",
		12: "1", 13: "interval '1 min'", 14: "(:generation + 1)::bigint", 15: "ARRAY['" + apiES256 + "']",
	}
	return regexp.MustCompile(`\$\d+`).ReplaceAllStringFunc(statement, func(parameter string) string {
		n, _ := strconv.Atoi(parameter[1:]) // the pattern has digits
		if values[n] == "" {
			b.Fatalf("the rotation statement has %s, for which there is no value here", parameter)
		}
		return values[n]
	})
}

// The rotation statement gets a new parameter at times, which the floor must know: the statement of
// pgbench must rotate. PostgreSQL runs it here itself, because a machine with PostgreSQL in a
// container lacks the program pgbench.
func TestPgbenchRotates(t *testing.T) {
	s := newStage(t, harness.PostgreSQL(t), 4) // the test is not about the slowness of bcrypt
	p := newPgbench(t, s)
	script, err := os.ReadFile(p.script)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := pgx.Connect(t.Context(), s.deployment.DatabaseURL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close(context.Background()) }()
	_, statement, _ := strings.Cut(string(script), "\n")
	if _, err := connection.Exec(t.Context(), strings.NewReplacer(":generation", "1", ":client_id", "0").Replace(statement)); err != nil {
		t.Fatal(err)
	}
	var generation int
	err = connection.QueryRow(t.Context(), "SELECT generation FROM refresh_families WHERE id = decode(repeat('0', 32), 'hex')").Scan(&generation)
	if err != nil || generation != 2 {
		t.Errorf("the family is at generation %d, %v; want 2", generation, err)
	}
}

// perSecond returns the number of rotations a second.
func (p *pgbench) perSecond(b testing.TB, duration time.Duration) float64 {
	b.Helper()
	seconds := max(1, int(duration.Seconds()))
	began := p.generation
	p.generation += seconds * 1_000_000 // more than a connection can make
	out, err := exec.Command(p.program, "-n", "-M", "prepared", "-c", strconv.Itoa(connections), "-j", "2", "-T", strconv.Itoa(seconds),
		"-D", "generation="+strconv.Itoa(began), "-f", p.script, p.url).CombinedOutput()
	if err != nil {
		b.Fatalf("pgbench: %v\n%s", err, out)
	}
	_, rest, _ := strings.Cut(string(out), "tps = ")
	text, _, _ := strings.Cut(rest, " ")
	rate, err := strconv.ParseFloat(text, 64)
	if err != nil {
		b.Fatalf("pgbench: %v\n%s", err, out)
	}
	return rate
}
