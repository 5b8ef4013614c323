package postgres_test

import (
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"authserver/internal/store"
	"authserver/internal/store/postgres"
	"authserver/test/pgtest"
)

// TestRotationsThatWait proves on which row a rotation decides: several rotations wait in the
// server for one that has not committed yet, and none may use the row as it was when they began.
func TestRotationsThatWait(t *testing.T) {
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	f := withFamily(t, s)
	const waiting = 10
	var replicas []*postgres.DB // each runs a rotation
	for range 2 * waiting {
		replicas = append(replicas, open(t, postgres.Options{URL: url, MaxConns: 1, QueryTimeout: inACrowd}))
	}
	holder, admin := session(t, url), session(t, url)
	for generation := uint32(1); generation < 60; generation += 2 {
		exec(t, holder, "BEGIN")
		exec(t, holder, "UPDATE refresh_families SET generation = $1, rotated_at = $2 WHERE id = $3", generation+1, at(time.Minute), f.ID[:])
		outcomes := make(chan store.Outcome, 2*waiting)
		var wg sync.WaitGroup
		for i := range uint32(2 * waiting) { // half present the token that was valid, half the one that will be
			wg.Go(func() {
				got, err := replicas[i].Rotate(t.Context(), present(f, generation+i%2))
				if err != nil {
					t.Error(err)
				}
				outcomes <- got.Outcome
			})
		}
		eventually(t, "all wait", func() bool {
			return query[int](t, admin, `SELECT count(*) FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 2*waiting
		})
		exec(t, holder, "COMMIT")
		wg.Wait()
		counts := map[store.Outcome]int{}
		for range 2 * waiting {
			counts[<-outcomes]++
		}
		// A token that is two generations behind is a reuse, if another caller rotated before.
		if counts[store.Rotated]+counts[store.Graced]+counts[store.Reused]+counts[store.Revoked] != 2*waiting || counts[store.Rotated] > 1 {
			t.Fatalf("generation %d: %v", generation, counts)
		}
		got, err := s.Family(t.Context(), f.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got.Generation != generation+1+uint32(counts[store.Rotated]) || counts[store.Reused] > 1 ||
			got.RevokedAt.IsZero() != (counts[store.Reused] == 0) {
			t.Fatalf("generation %d: %v left %+v", generation, counts, got)
		}
		exec(t, holder, "UPDATE refresh_families SET revoked_at = NULL, generation = $1", generation+2)
		exec(t, holder, "DELETE FROM revocations")
	}
}

// TestRotationStaysOnItsPage checks that the table gets HOT updates: an index on a column that a
// rotation changes, or pages without space, would show here. The test rotates one family of each
// page, as often as there is space: PostgreSQL frees space only when no older transaction of the
// server runs, even in another database.
func TestRotationStaysOnItsPage(t *testing.T) {
	staysOnItsPage(t, `{}`, func(s *postgres.DB, f store.Family) (store.RotationResult, error) {
		return s.Rotate(t.Context(), present(f, f.Generation))
	}, store.Rotated, store.Rotated, store.Rotated, store.Rotated)
}

// TestRedemptionStaysOnItsPage is the same for a code and for rotations after it.
func TestRedemptionStaysOnItsPage(t *testing.T) {
	const code = `{"generation": 0, "session_id": "\\x00112233445566778899aabbccddeeff", "code": {"redirect_uri": "https://app.example.com/callback"}}`
	staysOnItsPage(t, code, func(s *postgres.DB, f store.Family) (store.RotationResult, error) {
		r := present(f, f.Generation)
		if f.Generation > 0 {
			return s.Rotate(t.Context(), r)
		}
		return s.Redeem(t.Context(), store.Redemption{Exchange: r.Exchange, RedirectURI: "https://app.example.com/callback"})
	}, store.Redeemed, store.Rotated)
}

// staysOnItsPage moves families with these columns in addition to those of withFamily, and requires
// the given outcome of each move.
func staysOnItsPage(t *testing.T, columns string, move func(*postgres.DB, store.Family) (store.RotationResult, error), want ...store.Outcome) {
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	withFamily(t, s)
	admin := session(t, url)
	exec(t, admin, `INSERT INTO refresh_families
		SELECT (jsonb_populate_record(f, $1::jsonb || jsonb_build_object('id', '\x' || lpad(to_hex(i), 32, '0')))).*
		FROM refresh_families f, generate_series(1, 500) i`, columns)
	rows, err := admin.Query(t.Context(), `SELECT DISTINCT ON ((ctid::text::point)[0]) id FROM refresh_families WHERE id < '\x01'`)
	if err != nil {
		t.Fatal(err)
	}
	families, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil || len(families) < 10 {
		t.Fatalf("families on %d pages: %v", len(families), err)
	}
	for _, wanted := range want {
		for _, id := range families {
			f, err := s.Family(t.Context(), store.FamilyID(id))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := move(s, f); err != nil || got.Outcome != wanted {
				t.Fatal(got.Outcome, err)
			}
		}
	}
	s.Close() // a session reports its counts when it ends
	updated := func() int {
		return query[int](t, admin, "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'refresh_families'")
	}
	eventually(t, "the updates are counted", func() bool { return updated() >= len(want)*len(families) })
	hot := query[int](t, admin, "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'refresh_families'")
	if hot != updated() {
		t.Errorf("%d of %d updates were HOT", hot, updated())
	}
}
