package postgres_test

import (
	"testing"
	"time"

	"authserver/internal/store/postgres"
	"authserver/test/pgtest"
)

// TestSweepComesBack locks one family that is due while all others are removed. It is removed after
// the lock ends, although the sweep had passed it.
func TestSweepComesBack(t *testing.T) {
	t.Parallel()
	const families = 9
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	f := withFamily(t, s)
	for i := range byte(families - 1) {
		f.ID[8], f.IdleExpiresAt = i+1, f.IdleExpiresAt.Add(time.Second)
		if err := s.CreateFamily(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	holder := session(t, url)
	exec(t, holder, "BEGIN")
	exec(t, holder, "SELECT FROM refresh_families ORDER BY sweep_at LIMIT 1 FOR UPDATE")
	sweep := func(want int) {
		t.Helper()
		removed := 0
		for {
			n, err := s.Sweep(t.Context(), at(100*time.Hour), 2)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
			removed += n
		}
		if removed != want {
			t.Fatalf("%d families were removed, want %d", removed, want)
		}
	}
	sweep(families - 1)
	exec(t, holder, "COMMIT")
	sweep(1)
}

// TestSweepLooksAtWhatIsDue counts the rows that the sweep reads by scanning a table. If there were
// any, more live rows would make the sweep slower.
func TestSweepLooksAtWhatIsDue(t *testing.T) {
	t.Parallel()
	const living, due = 10_000, 5
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	withFamily(t, s)
	exec(t, session(t, url), `INSERT INTO refresh_families
		SELECT (jsonb_populate_record(f, jsonb_build_object('id', '\x' || lpad(to_hex(i), 32, '0'), 'sweep_at',
			CASE WHEN i <= $2 THEN $3::timestamptz ELSE $4 END, 'revoked_at', $3::timestamptz))).*
		FROM refresh_families f, generate_series(1, $1::int) i`, living, due, at(-time.Hour), at(24*time.Hour))
	exec(t, session(t, url), `INSERT INTO revocations (kind, value, voids_before, expires_at, reason, xid)
		SELECT 'jti', i, $3, CASE WHEN i <= $2 THEN $3::timestamptz ELSE $4 END, '', pg_current_xact_id()
		FROM generate_series(1, $1::int) i`, living, due, at(-time.Hour), at(24*time.Hour))
	exec(t, session(t, url), `INSERT INTO used_assertions (issuer, id, expires_at)
		SELECT 'i', sha256(i::text::bytea), CASE WHEN i <= $2 THEN $3::timestamptz ELSE $4 END
		FROM generate_series(1, $1::int) i`, living, due, at(-time.Hour), at(24*time.Hour))
	admin := session(t, url)
	exec(t, admin, "ANALYZE")
	counted := func(column string) map[string]int {
		counts := map[string]int{}
		for _, table := range []string{"refresh_families", "revocations", "used_assertions"} {
			counts[table] = query[int](t, admin, "SELECT "+column+" FROM pg_stat_user_tables WHERE relname = $1", table)
		}
		return counts
	}
	eventually(t, "the rows are counted", func() bool {
		there := counted("n_tup_ins")
		return there["refresh_families"] > living && there["revocations"] == living && there["used_assertions"] == living
	})
	before := counted("seq_tup_read")

	removed, err := s.Sweep(t.Context(), at(0), due)
	if err != nil || removed != 3*due {
		t.Fatalf("%d rows were removed, want %d (%v)", removed, 3*due, err)
	}
	s.Close() // a session reports its counts when it ends
	eventually(t, "the removals are counted", func() bool {
		gone := counted("n_tup_del")
		return gone["refresh_families"] == due && gone["revocations"] == due && gone["used_assertions"] == due
	})
	for table, read := range counted("seq_tup_read") {
		if read != before[table] {
			t.Errorf("to remove %d rows of %s the sweep went through %d", due, table, read-before[table])
		}
	}
}
