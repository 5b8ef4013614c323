package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"authserver/internal/store"
	"authserver/internal/store/postgres"
	"authserver/test/pgtest"
)

const insertRevocation = `INSERT INTO revocations (kind, value, voids_before, expires_at, reason, xid)
	VALUES ('jti', $1, $2, $2, '', pg_current_xact_id())`

// readOn reads from the cursor to the end, and returns the values.
func readOn(t *testing.T, s store.Store, cursor store.Cursor, limit int) ([]string, store.Cursor) {
	t.Helper()
	var values []string
	for {
		list, next, err := s.RevocationsAfter(t.Context(), cursor, at(0), limit)
		if err != nil {
			t.Fatal(err)
		}
		cursor = next
		if len(list) == 0 {
			return values, cursor
		}
		for _, r := range list {
			values = append(values, r.Value)
		}
		if len(values) > 1000 {
			t.Fatal("reading does not come to an end")
		}
	}
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestRevocationThatCommitsLate(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	late, later, prompt := session(t, url), session(t, url), session(t, url)
	insert := func(conn *pgx.Conn, value string) { exec(t, conn, insertRevocation, value, at(time.Hour)) }

	exec(t, late, "BEGIN")
	insert(late, "late")
	exec(t, later, "BEGIN")
	insert(later, "later")
	insert(prompt, "prompt")
	got, cursor := readOn(t, s, "", 1)
	want(t, got, "prompt")
	got, cursor = readOn(t, s, cursor, 1)
	want(t, got) // with an open transaction, the reader does not read the other rows again and again
	exec(t, later, "COMMIT")
	got, cursor = readOn(t, s, cursor, 1)
	want(t, got, "later")
	insert(prompt, "prompter")
	got, cursor = readOn(t, s, cursor, 1)
	want(t, got, "prompter")
	exec(t, late, "COMMIT")
	got, cursor = readOn(t, s, cursor, 1)
	want(t, got, "late")
	got, _ = readOn(t, s, cursor, 1)
	want(t, got)
}

// TestRevocationThatCommitsBetweenPages: a revocation with a lower number than the last page
// commits after that page.
func TestRevocationThatCommitsBetweenPages(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	late, prompt := session(t, url), session(t, url)
	exec(t, late, "BEGIN")
	exec(t, late, insertRevocation, "late", at(time.Hour))
	for i := range 3 {
		exec(t, prompt, insertRevocation, fmt.Sprint(i), at(time.Hour))
	}
	first, cursor, err := s.RevocationsAfter(t.Context(), "", at(0), 2)
	if err != nil || len(first) != 2 {
		t.Fatal(first, err)
	}
	exec(t, late, "COMMIT")
	got, _ := readOn(t, s, cursor, 2)
	want(t, got, "2", "late")
}

func TestManyRevocationsOfOneTransaction(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	exec(t, session(t, url), `INSERT INTO revocations (kind, value, voids_before, expires_at, reason, xid)
		SELECT 'jti', lpad(i::text, 3, '0'), $1, $1, '', pg_current_xact_id() FROM generate_series(1, 100) i`, at(time.Hour))
	for _, limit := range []int{1, 7, 99, 100, 101} {
		got, _ := readOn(t, s, "", limit)
		if len(got) != 100 {
			t.Errorf("pages of %d have %d rows", limit, len(got))
		}
	}
}

// TestCursorFromTheFuture is a failover to a replica that lacks the last transactions of the old
// primary, and uses their numbers again.
func TestCursorFromTheFuture(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	exec(t, session(t, url), insertRevocation, "1", at(time.Hour))
	_, cursor := readOn(t, s, "", 10)
	if !strings.Contains(string(cursor), `"seen":"`) {
		t.Fatalf("the cursor %s holds no snapshot", cursor)
	}
	future := store.Cursor(`{"seen":"9000000000:9000000000:","xid":"0"}`)
	got, cursor := readOn(t, s, future, 10)
	want(t, got, "1")
	got, _ = readOn(t, s, cursor, 10)
	want(t, got)
	for _, bad := range []store.Cursor{"17", "x", `{"seen":"x"}`} {
		if _, _, err := s.RevocationsAfter(t.Context(), bad, at(0), 10); err == nil {
			t.Errorf("the cursor %s was taken", bad)
		}
	}
}
