package postgres_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"authserver/internal/store"
	"authserver/internal/store/postgres"
	"authserver/internal/store/storetest"
	"authserver/test/pgtest"
)

// TestCallsThatFailTogether: calls share a transaction, and PostgreSQL refuses some of them. Each
// gets the same result as alone.
func TestCallsThatFailTogether(t *testing.T) {
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url, MaxConns: 1, QueryTimeout: inACrowd}) // one connection, so that no call passes the waiting ones
	f := withFamily(t, s)
	holder, admin := session(t, url), session(t, url)
	exec(t, holder, "BEGIN")
	exec(t, holder, "SELECT FROM refresh_families FOR UPDATE")
	var group sync.WaitGroup
	group.Go(func() {
		if got, err := s.Rotate(t.Context(), present(f, 1)); err != nil || got.Outcome != store.Rotated {
			t.Error(got.Outcome, err)
		}
	})
	eventually(t, "a rotation waits for the family", func() bool {
		return waiting(t, admin) == 1
	})
	before := s.RoundTrips()
	const calls = 12
	errs := make([]error, calls)
	for i := range errs {
		made := f
		made.ID[1] = byte(i + 1)
		if i%3 == 1 {
			made.UserID = "unknown"
		}
		group.Go(func() { errs[i] = s.CreateFamily(t.Context(), made) })
	}
	time.Sleep(100 * time.Millisecond) // by now they are in the queue; otherwise each is sent alone, which gives the same result
	exec(t, holder, "COMMIT")
	group.Wait()
	for i, err := range errs {
		made := f
		made.ID[1] = byte(i + 1)
		_, found := s.Family(t.Context(), made.ID)
		if refused := i%3 == 1; refused != errors.Is(err, store.ErrNotFound) || refused != errors.Is(found, store.ErrNotFound) || !refused && errors.Join(err, found) != nil {
			t.Errorf("call %d returned %v, and then %v", i, err, found)
		}
	}
	if n := s.RoundTrips() - before - calls; n > calls/2+calls { // each call is sent together with at least one other, and then alone
		t.Errorf("%d round trips", n)
	}
}

// TestCallsGoPast: a call waits for a row that another transaction has locked, and the other calls
// use another connection.
func TestCallsGoPast(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url, MaxConns: 4, QueryTimeout: inACrowd})
	f := withFamily(t, s)
	holder := session(t, url)
	exec(t, holder, "BEGIN")
	exec(t, holder, "SELECT FROM refresh_families FOR UPDATE")
	held := make(chan error, 1)
	go func() {
		_, err := s.Rotate(t.Context(), present(f, 1))
		held <- err
	}()
	for i := range 50 {
		if err := s.UseOnce(t.Context(), store.Use{Issuer: "urn:idp", ID: [32]byte{byte(i)}, ExpiresAt: at(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	letGo(t, holder, held)
}

// TestCallsLeaveTheOneThatWaits: calls share a transaction with one that waits for a row, and do
// not wait with it.
func TestCallsLeaveTheOneThatWaits(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := migrated(t, postgres.Options{URL: url, MaxConns: 2, QueryTimeout: inACrowd})
	families := withFamilies(t, s, 3)
	rotate := func(f store.Family) chan error {
		done := make(chan error, 1)
		go func() {
			got, err := s.Rotate(t.Context(), present(f, 1))
			if err == nil && got.Outcome != store.Rotated {
				err = fmt.Errorf("the outcome is %v", got.Outcome)
			}
			done <- err
		}()
		return done
	}
	first, second, admin := session(t, url), session(t, url), session(t, url)
	exec(t, first, "BEGIN")
	exec(t, first, "SELECT FROM refresh_families WHERE id <> $1 FOR UPDATE", families[2].ID[:])
	exec(t, second, "BEGIN")
	exec(t, second, "SELECT FROM refresh_families WHERE id = $1 FOR UPDATE", families[2].ID[:])
	var before []chan error
	for i := range 2 { // so that both connections are taken
		before = append(before, rotate(families[i]))
		eventually(t, "a rotation waits for its family", func() bool {
			return waiting(t, admin) == i+1
		})
	}
	held, used := rotate(families[2]), make(chan error, 1)
	go func() {
		used <- s.UseOnce(t.Context(), store.Use{Issuer: "urn:idp", ID: [32]byte{1}, ExpiresAt: at(time.Hour)})
	}()
	time.Sleep(100 * time.Millisecond) // by now both are in the queue; otherwise each is sent alone, which gives the same result
	exec(t, first, "COMMIT")
	for _, done := range append(before, used) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	letGo(t, second, held)
}

// TestReplicasLockInOneOrder: two replicas lock many rows together, in any order of the requests,
// and never wait for each other.
func TestReplicasLockInOneOrder(t *testing.T) {
	url := pgtest.URL(t)
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	replicas := []*postgres.DB{
		migrated(t, postgres.Options{URL: url, MaxConns: 2, QueryTimeout: inACrowd, Logger: log}),
		open(t, postgres.Options{URL: url, MaxConns: 2, QueryTimeout: inACrowd, Logger: log}),
	}
	families := withFamilies(t, replicas[0], 9)
	var group sync.WaitGroup
	for i := range 24 {
		s := replicas[i%2]
		group.Go(func() {
			for n := range 100 {
				f := families[rand.N(len(families))]
				if _, err := s.Rotate(t.Context(), present(f, uint32(n+1))); err != nil {
					t.Error(err)
				}
				err := s.UseOnce(t.Context(), store.Use{Issuer: "urn:idp", ID: [32]byte{byte(rand.N(len(families)))}, ExpiresAt: at(time.Hour)})
				if replayed := (*store.ReplayedError)(nil); err != nil && !errors.As(err, &replayed) {
					t.Error(err)
				}
				err = nil
				voids := store.Void{Kind: store.RevokedFamily, Value: f.ID.String(), Before: at(time.Duration(n)), IssuedUntil: at(time.Hour)}
				if n%10 == 0 {
					err = s.Revoke(t.Context(), voids)
				}
				if n == 90 {
					err = s.RevokeFamily(t.Context(), f.ID, storetest.Voiding(voids))
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for _, s := range replicas {
		s.Close() // a session reports its counts when it ends
	}
	if out.Len() > 0 {
		t.Error(out.String())
	}
	if n := query[int64](t, session(t, url), "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"); n > 0 {
		t.Errorf("%d deadlocks", n)
	}
}

func withFamilies(t *testing.T, s store.Store, many int) []store.Family {
	t.Helper()
	families := []store.Family{withFamily(t, s)}
	for i := range many - 1 {
		f := families[0]
		f.ID[1] = byte(i + 1)
		if err := s.CreateFamily(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		families = append(families, f)
	}
	return families
}

// waiting returns the number of sessions that wait for a lock.
func waiting(t *testing.T, admin *pgx.Conn) int {
	t.Helper()
	return query[int](t, admin, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
}

// letGo ends the transaction of holder, for which a rotation has waited.
func letGo(t *testing.T, holder *pgx.Conn, rotated chan error) {
	t.Helper()
	select {
	case err := <-rotated:
		t.Fatalf("the rotation of what is held returned %v", err)
	default:
	}
	exec(t, holder, "COMMIT")
	if err := <-rotated; err != nil {
		t.Error(err)
	}
}
