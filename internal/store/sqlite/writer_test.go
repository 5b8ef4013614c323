package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/store"
)

// newNotes makes a store with a table to write to, and returns a function that reads the table.
func newNotes(t *testing.T) (d *DB, notes func() []string) {
	t.Helper()
	d, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "a.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	if _, err := d.write.ExecContext(t.Context(), "CREATE TABLE notes (note TEXT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	return d, func() []string {
		t.Helper()
		found, err := all(t.Context(), d, "read the notes", func(s *string) []any { return []any{s} }, "SELECT note FROM notes ORDER BY note")
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
}

func note(ctx context.Context, tx *transaction, text string) error {
	_, err := tx.exec(ctx, "INSERT INTO notes (note) VALUES (?)", text)
	return err
}

// lock holds the write lock until the test releases it.
func lock(t *testing.T, d *DB) (unlock func()) {
	t.Helper()
	other, err := sql.Open("sqlite", "file:"+d.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	other.SetMaxOpenConns(1)
	if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := other.Exec("ROLLBACK"); err != nil {
			t.Error(err)
		}
	}
}

// gather waits until so many writes are in the queue.
func gather(t *testing.T, d *DB, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		d.write.mu.Lock()
		queued := len(d.write.queue)
		d.write.mu.Unlock()
		if queued >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d writes wait, want %d", queued, n)
		}
	}
}

// Each call in a shared transaction is done completely or not at all, whatever happens to the
// others.
func TestWritesThatShareATransaction(t *testing.T) {
	d, notes := newNotes(t)
	refused := errors.New("refused")
	unlock := lock(t, d)
	const writes = 40
	errs := make([]error, writes)
	var group sync.WaitGroup
	var want []string
	for i := range writes {
		name := fmt.Sprintf("%02d", i)
		if i%4 == 0 {
			want = append(want, name+" a", name+" b")
		}
		group.Go(func() {
			errs[i] = d.change(t.Context(), "write notes", func(ctx context.Context, tx *transaction) error {
				if err := note(ctx, tx, name+" a"); err != nil {
					return err
				}
				switch i % 4 {
				case 1:
					return refused
				case 2:
					return note(ctx, tx, name+" a")
				case 3:
					panic("a fault of ours")
				}
				return note(ctx, tx, name+" b")
			})
		})
	}
	gather(t, d, writes)
	before := d.RoundTrips()
	unlock()
	group.Wait()
	if n := d.RoundTrips() - before; n != 1 {
		t.Errorf("%d writes that waited together took %d transactions", writes, n)
	}
	if diff := cmp.Diff(want, notes()); diff != "" {
		t.Error(diff)
	}
	for i, err := range errs {
		good := []bool{err == nil, errors.Is(err, refused), errors.Is(err, store.ErrExists), err != nil && strings.Contains(err.Error(), "a fault of ours")}
		if !good[i%4] {
			t.Errorf("write %d returned %v", i, err)
		}
	}
}

// Writes beyond the limit of a transaction come in the next one.
func TestWritesBeyondOneTransaction(t *testing.T) {
	d, notes := newNotes(t)
	unlock := lock(t, d)
	var group sync.WaitGroup
	for i := range maxTogether + 1 {
		group.Go(func() {
			err := d.change(t.Context(), "write a note", func(ctx context.Context, tx *transaction) error { return note(ctx, tx, fmt.Sprint(i)) })
			if err != nil {
				t.Error(err)
			}
		})
	}
	gather(t, d, maxTogether+1)
	before := d.RoundTrips()
	unlock()
	group.Wait()
	if trips, written := d.RoundTrips()-before, len(notes()); trips != 2 || written != maxTogether+1 {
		t.Errorf("%d notes were written in %d transactions", written, trips)
	}
}

// A caller that gives up while the lock is taken has written nothing, and never will. The others do
// not notice.
func TestWritesThatAreGivenUp(t *testing.T) {
	d, notes := newNotes(t)
	unlock := lock(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	write := func(ctx context.Context, text string) <-chan error {
		done := make(chan error, 1)
		go func() {
			done <- d.change(ctx, "write a note", func(ctx context.Context, tx *transaction) error { return note(ctx, tx, text) })
		}()
		return done
	}
	stays, leaves := write(t.Context(), "stays"), write(ctx, "leaves")
	gather(t, d, 2)
	cancel()
	if err := <-leaves; !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up got %v", err)
	}
	unlock()
	if err := <-stays; err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"stays"}, notes()); diff != "" {
		t.Error(diff)
	}
}

// If a step ends the shared transaction, it fails for all of them, and the next transaction
// succeeds.
func TestWritesWhoseTransactionIsGone(t *testing.T) {
	d, notes := newNotes(t)
	unlock := lock(t, d)
	var group sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		group.Go(func() {
			errs[i] = d.change(t.Context(), "write a note", func(ctx context.Context, tx *transaction) error {
				if err := note(ctx, tx, fmt.Sprint(i)); err != nil {
					return err
				}
				_, err := tx.ExecContext(ctx, "ROLLBACK")
				return err
			})
		})
	}
	gather(t, d, len(errs))
	unlock()
	group.Wait()
	if i := slices.Index(errs, nil); i >= 0 {
		t.Errorf("write %d went well", i)
	}
	if err := d.change(t.Context(), "write a note", func(ctx context.Context, tx *transaction) error { return note(ctx, tx, "after") }); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"after"}, notes()); diff != "" {
		t.Error(diff)
	}
}
