package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"authserver/internal/store"
	"authserver/internal/store/postgres"
	"authserver/test/pgtest"
)

// TestWhetherARotationWasDone makes rotations fail in every way. If a rotation may have moved the
// family, its caller gets to know that, and puts it back. The test runs alone, because a call has
// two seconds to reach PostgreSQL.
func TestWhetherARotationWasDone(t *testing.T) {
	direct := pgtest.URL(t)
	through := pgtest.NewWire(t, direct)
	s := migrated(t, postgres.Options{URL: through.URL, QueryTimeout: 3 * time.Second, ConnectTimeout: 3 * time.Second, MaxConns: 1})
	f := withFamily(t, s)
	watcher := session(t, direct)
	generation := func() int { return query[int](t, watcher, "SELECT generation FROM refresh_families") }
	r := present(f, 1)
	r.Clock.ID = 7
	if _, err := s.Rotate(t.Context(), r); err != nil { // prepares the statement
		t.Fatal(err)
	}
	if err := s.PutBack(t.Context(), r, store.Rotated); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		fail      func() (stop func())
		done      bool // the rotation may have been done
		committed bool
	}{
		{"its answer is lost", func() func() { through.Deafen(); return through.Mend }, true, true},
		{"there is no connection", func() func() {
			through.Cut()
			_ = s.CheckWritable(t.Context()) // discards the broken connection
			return through.Mend
		}, false, false},
		{"the server refuses it", func() func() {
			exec(t, watcher, "ALTER TABLE refresh_families ADD CONSTRAINT refused CHECK (generation = 1)")
			return func() { exec(t, watcher, "ALTER TABLE refresh_families DROP CONSTRAINT refused") }
		}, false, false},
		{"every connection is taken", func() func() {
			exec(t, watcher, "BEGIN")
			exec(t, watcher, "LOCK TABLE users")
			ctx, cancel := context.WithCancel(t.Context())
			waits := make(chan struct{})
			go func() {
				defer close(waits)
				_, _ = s.User(ctx, "alice")
			}()
			admin := session(t, direct)
			eventually(t, "another call waits", func() bool { return waiting(t, admin) == 1 })
			return func() {
				exec(t, watcher, "ROLLBACK")
				<-waits
				cancel()
			}
		}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			stop := c.fail()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			_, err := s.Rotate(ctx, r)
			cancel()
			if err == nil || errors.Is(err, store.ErrNotDone) == c.done {
				t.Errorf("got %v", err)
			}
			stop()
			if moved := generation() == 2; moved != c.committed {
				t.Fatalf("it moved: %v", moved)
			}
			eventually(t, "it is put back", func() bool { return s.PutBack(t.Context(), r, store.Unknown) == nil })
			if got := generation(); got != 1 {
				t.Errorf("the family is at generation %d", got)
			}
		})
	}
}
