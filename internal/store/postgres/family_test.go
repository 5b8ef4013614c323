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

// TestRotationsThatWait proves what a rotation decides on: several wait in the
// server for a rotation that has not committed yet, and none may go by the row as
// it was when they began.
func TestRotationsThatWait(t *testing.T) {
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url})
	f := withFamily(t, s)
	const waiting = 10
	var replicas []*postgres.DB // each with a rotation under way of its own
	for range 2 * waiting {
		replicas = append(replicas, open(t, postgres.Options{URL: url, MaxConns: 1, QueryTimeout: inACrowd}))
	}
	holder, admin := session(t, url), session(t, url)
	for generation := uint32(1); generation < 60; generation += 2 {
		exec(t, holder, "BEGIN")
		exec(t, holder, "UPDATE refresh_families SET generation = $1, rotated_at = $2 WHERE id = $3", generation+1, at(time.Minute), f.ID[:])
		outcomes := make(chan store.Outcome, 2*waiting)
		var wg sync.WaitGroup
		for i := range uint32(2 * waiting) { // half present what was good, half what will be
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
		// A token that is two generations behind is reuse, if another caller rotated
		// before.
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

// TestRotationStaysOnItsPage holds the table to HOT updates: an index on what a
// rotation changes, or pages without room, would show here. One family of each page is
// rotated, as often as there is room: what makes room again waits for every transaction of
// the PostgreSQL server, those in other databases too.
func TestRotationStaysOnItsPage(t *testing.T) {
	staysOnItsPage(t, `{}`, func(s *postgres.DB, f store.Family) (store.RotationResult, error) {
		return s.Rotate(t.Context(), present(f, f.Generation))
	}, store.Rotated, store.Rotated, store.Rotated, store.Rotated)
}

// TestRedemptionStaysOnItsPage is the same of a code and of what is rotated from there.
func TestRedemptionStaysOnItsPage(t *testing.T) {
	const code = `{"generation": 0, "session_id": "\\x00112233445566778899aabbccddeeff", "code": {"redirect_uri": "https://app.example.com/callback"}}`
	staysOnItsPage(t, code, func(s *postgres.DB, f store.Family) (store.RotationResult, error) {
		r := present(f, f.Generation)
		if f.Generation > 0 {
			return s.Rotate(t.Context(), r)
		}
		return s.Redeem(t.Context(), store.Redemption{
			ID: f.ID, ClientID: r.ClientID, ClientNotBefore: r.ClientNotBefore, RedirectURI: "https://app.example.com/callback",
			Now: r.Now, Candidates: r.Candidates, Idle: r.Idle,
		})
	}, store.Redeemed, store.Rotated)
}

// staysOnItsPage moves families that have these columns beside those of withFamily, and
// wants each move to come to what is wanted.
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
	s.Close() // a session reports what it counted when it ends
	updated := func() int {
		return query[int](t, admin, "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'refresh_families'")
	}
	eventually(t, "the updates are counted", func() bool { return updated() >= len(want)*len(families) })
	hot := query[int](t, admin, "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'refresh_families'")
	if hot != updated() {
		t.Errorf("%d of %d updates were HOT", hot, updated())
	}
}
