package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"authserver/internal/store"
	"authserver/internal/store/sqlite"
	"authserver/internal/store/storetest"
	"authserver/test/sqlitetest"
)

// childPath is the variable with the database for a process of TestProcesses.
const childPath = "SQLITE_TEST_CHILD_PATH"

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		if err := child(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// inACrowd is how long a call may wait for the writer while many handles, like those of many
// processes, write to one file on a busy machine.
const inACrowd = 30 * time.Second

func TestContract(t *testing.T) {
	at := func(t *testing.T) string { return filepath.Join(t.TempDir(), "with a % sign? #1.db") }
	from := func(t *testing.T, path string) storetest.Open {
		return func() store.Store { return open(t, sqlite.Options{Path: path, BusyTimeout: inACrowd}) }
	}
	empty := func(t *testing.T) storetest.Open { return from(t, at(t)) }
	fresh := func(t *testing.T) storetest.Open {
		path := at(t)
		sqlitetest.Write(t, path)
		return from(t, path)
	}
	storetest.Run(t, empty, fresh)
}

func open(t *testing.T, o sqlite.Options) *sqlite.DB {
	t.Helper()
	s, err := sqlite.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestFilesAreReadableByTheirOwnerAlone(t *testing.T) {
	folder := t.TempDir()
	s := open(t, sqlite.Options{Path: filepath.Join(folder, "a.db")})
	if err := s.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) < 4 { // the database, its WAL, the WAL's index, the lock
		t.Errorf("found only %v", entries)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", e.Name(), info.Mode())
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "letter.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("Dear Sir or Madam, ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"no path":                  "",
		"a folder":                 folder,
		"a folder that is missing": filepath.Join(folder, "missing", "a.db"),
		"a file of another kind":   text,
	} {
		t.Run(name, func(t *testing.T) {
			s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
			if err == nil {
				s.Close()
				t.Error("it was opened")
			}
		})
	}
	if _, err := os.Stat(filepath.Join(folder, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the missing folder was made")
	}
}

func TestAnotherProcessHoldsTheWriteLock(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "a.db")
	s := open(t, sqlite.Options{Path: path, BusyTimeout: time.Second})
	if err := s.MigrateUp(ctx); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	other.SetMaxOpenConns(1)
	if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	use := func(ctx context.Context) error {
		return s.UseOnce(ctx, store.Use{Issuer: "urn:idp", ID: [32]byte{}, ExpiresAt: time.Unix(1, 0)})
	}
	if err := use(ctx); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a write returned %v", err)
	}
	if err := s.CheckWritable(ctx); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the check returned %v", err)
	}
	if _, err := s.Client(ctx, "web"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a read returned %v", err)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := use(short); !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a write that was out of time returned %v", err)
	}
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := use(ctx); err != nil {
		t.Errorf("with the lock free again: %v", err)
	}
}

// TestProcesses starts several processes together without a database. They migrate it and compete
// for the same assertions.
func TestProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	const processes = 6
	outputs := make([]*strings.Builder, processes)
	var children []*exec.Cmd
	for i := range outputs {
		outputs[i] = &strings.Builder{}
		c := exec.CommandContext(t.Context(), os.Args[0])
		c.Env = append(os.Environ(), childPath+"="+path)
		c.Stdout, c.Stderr = outputs[i], outputs[i]
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		children = append(children, c)
	}
	used := 0
	for i, c := range children {
		if err := c.Wait(); err != nil {
			t.Fatalf("%v: %s", err, outputs[i])
		}
		n, err := strconv.Atoi(outputs[i].String())
		if err != nil {
			t.Fatal(err)
		}
		used += n
	}
	if used != childAssertions {
		t.Errorf("%d assertions were used %d times", childAssertions, used)
	}
}

const childAssertions = 100

// child prints the number of assertions that it was the first to use.
func child(path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := sqlite.Open(ctx, sqlite.Options{Path: path, BusyTimeout: 30 * time.Second})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.MigrateUp(ctx); err != nil {
		return err
	}
	used := 0
	for i := range childAssertions {
		var replayed *store.ReplayedError
		switch err := s.UseOnce(ctx, store.Use{Issuer: "urn:idp", ID: [32]byte{byte(i)}, ExpiresAt: time.Unix(1, 0)}); {
		case err == nil:
			used++
		case !errors.As(err, &replayed):
			return err
		}
	}
	fmt.Print(used)
	return nil
}
