package storetest

import (
	"context"
	"testing"
	"time"

	"authserver/internal/store"
)

func migrateTests() []test {
	return []test{
		{"an empty database is at version 0 and cannot serve", migrateEmpty},
		{"up, down and up again end where they began", migrateTwoWay},
		{"ten replicas that start together on an empty database all succeed", migrateTogether},
		{"a version is forced, but none that this binary does not have", migrateForce},
		{"migrating down by nothing is refused", migrateNothing},
		{"a migration waits no longer than its context", migrateContext},
	}
}

func status(t *testing.T, ctx context.Context, s store.Store) store.MigrationStatus {
	t.Helper()
	got, err := s.MigrationStatus(ctx)
	ok(t, err)
	return got
}

func migrateEmpty(t *testing.T, open Open) {
	got := status(t, testContext(t), open())
	if got.Version != 0 || got.Dirty || got.Latest == 0 || got.Check() == nil {
		t.Errorf("got %+v, check %v", got, got.Check())
	}
}

func migrateTwoWay(t *testing.T, open Open) {
	ctx, s := migrated(t, open)
	up := status(t, ctx, s)
	ok(t, up.Check())
	ok(t, s.MigrateUp(ctx))
	ok(t, s.CreateClient(ctx, aClient("web"), By()))
	for version := up.Latest; version > 0; version-- {
		ok(t, s.MigrateDown(ctx, 1))
		same(t, status(t, ctx, s), store.MigrationStatus{Version: version - 1, Latest: up.Latest})
	}
	ok(t, s.MigrateDown(ctx, 1))
	ok(t, s.MigrateUp(ctx))
	same(t, status(t, ctx, s), up)
	_, err := s.Client(ctx, "web")
	wantErr(t, err, store.ErrNotFound)
	ok(t, s.MigrateDown(ctx, 1000))
	same(t, status(t, ctx, s), store.MigrationStatus{Latest: up.Latest})
	if err := s.CreateClient(ctx, aClient("web"), By()); err == nil {
		t.Error("a client was created without a schema")
	}
}

func migrateTogether(t *testing.T, open Open) {
	ctx := testContext(t)
	handles := make([]store.Store, 10)
	for i := range handles {
		handles[i] = open()
	}
	concurrently(2*len(handles), func(i int) error {
		s := handles[i/2]
		if i%2 == 0 {
			if err := s.MigrateUp(ctx); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.MigrationStatus(ctx); err != nil {
			t.Error(err)
		}
		return nil
	})
	ok(t, status(t, ctx, handles[0]).Check())
	ok(t, handles[9].CreateClient(ctx, aClient("web"), By()))
}

func migrateForce(t *testing.T, open Open) {
	ctx, s := migrated(t, open)
	at := status(t, ctx, s)
	if err := s.MigrationForce(ctx, at.Latest+1); err == nil {
		t.Error("a version that there is not was forced")
	}
	same(t, status(t, ctx, s), at)
	ok(t, s.MigrationForce(ctx, 0))
	same(t, status(t, ctx, s), store.MigrationStatus{Latest: at.Latest})
	if err := s.MigrateUp(ctx); err == nil {
		t.Error("the first migration ran over what it made")
	}
	broken := status(t, ctx, s)
	if !broken.Dirty || broken.Check() == nil {
		t.Errorf("a migration that broke off left %+v", broken)
	}
	if err := s.MigrateUp(ctx); err == nil {
		t.Error("a dirty schema was migrated")
	}
	if err := s.MigrateDown(ctx, 1); err == nil {
		t.Error("a dirty schema was taken back")
	}
	ok(t, s.MigrationForce(ctx, at.Latest))
	same(t, status(t, ctx, s), at)
	ok(t, s.CreateClient(ctx, aClient("web"), By()))
}

func migrateNothing(t *testing.T, open Open) {
	ctx, s := migrated(t, open)
	for _, steps := range []int{0, -1} {
		if err := s.MigrateDown(ctx, steps); err == nil {
			t.Errorf("%d steps were taken back", steps)
		}
	}
	ok(t, status(t, ctx, s).Check())
}

func migrateContext(t *testing.T, open Open) {
	s := open()
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	wantErr(t, s.MigrateUp(ctx), store.ErrUnavailable)
	same(t, status(t, testContext(t), s).Version, 0)
}
