package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/store"
)

// inFolder opens a migrated database in a folder of its own.
func inFolder(t testing.TB) (d *DB, folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), Options{Path: filepath.Join(folder, "a.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	if err := d.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.CheckWritable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d, folder
}

func aUse(id byte) store.Use {
	return store.Use{Issuer: "urn:idp", ID: [32]byte{id}, ExpiresAt: store.Moment{}.AddDate(3000, 0, 0)}
}

func copyOf(path, to string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o600)
}

func TestADatabaseWhoseFileIsGoneIsUnavailable(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(folder, path string) error
		says string
	}{
		"deleted":                       {func(_, path string) error { return os.Remove(path) }, "a.db was deleted or moved"},
		"moved":                         {func(_, path string) error { return os.Rename(path, path+".old") }, "a.db was deleted or moved"},
		"deleted with its folder":       {func(folder, _ string) error { return os.RemoveAll(folder) }, "a.db was deleted or moved"},
		"in a folder that was moved":    {func(folder, _ string) error { return os.Rename(folder, folder+".old") }, "a.db was deleted or moved"},
		"emptied":                       {func(_, path string) error { return os.Truncate(path, 0) }, "a.db was emptied"},
		"without its log":               {func(_, path string) error { return os.Remove(path + "-wal") }, "a.db-wal was deleted or moved"},
		"without the index of its log":  {func(_, path string) error { return os.Remove(path + "-shm") }, "a.db-shm was deleted or moved"},
		"replaced by a copy":            {replaceByCopy, "a.db was replaced by another file"},
		"replaced by another database":  {replaceByAnother, "a.db was replaced by another file"},
		"one whose log was replaced":    {func(_, path string) error { return os.Rename(path+"-shm", path+"-wal") }, "a.db-wal was replaced by another file"},
		"one that a symbolic link hits": {func(_, path string) error { return errors.Join(os.Remove(path), os.Symlink("/dev/null", path)) }, "a.db was replaced by another file"},
	} {
		t.Run(name, func(t *testing.T) {
			d, folder := inFolder(t)
			path := filepath.Join(folder, "a.db")
			if err := c.harm(folder, path); err != nil {
				t.Fatal(err)
			}
			_, errRead := d.Client(t.Context(), "web")
			_, errList := d.ListClients(t.Context(), store.Page{Limit: 10})
			_, errStatus := d.MigrationStatus(t.Context())
			for what, err := range map[string]error{
				"the check": d.CheckWritable(t.Context()), "a write": d.UseOnce(t.Context(), aUse(1)),
				"a read": errRead, "a list": errList, "the schema": errStatus,
			} {
				if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: error = %v, want one that says %q", what, err, c.says)
				}
			}
			if strings.Contains(c.says, "a.db was deleted") {
				if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("a database was made anew: %v", err)
				}
			}
		})
	}
}

func replaceByCopy(_, path string) error {
	return errors.Join(copyOf(path, path+".copy"), os.Rename(path+".copy", path))
}

func replaceByAnother(_, path string) error {
	return errors.Join(os.WriteFile(path+".other", []byte(strings.Repeat("another", 1000)), 0o600), os.Rename(path+".other", path))
}

// If the same file comes back, nothing is lost.
func TestADatabaseWhoseFileComesBackIsThereAgain(t *testing.T) {
	d, folder := inFolder(t)
	path := filepath.Join(folder, "a.db")
	if err := d.UseOnce(t.Context(), aUse(1)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if err := d.UseOnce(t.Context(), aUse(2)); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("a write into a file that was moved: %v", err)
	}
	if err := os.Rename(path+".old", path); err != nil {
		t.Fatal(err)
	}
	if err := d.CheckWritable(t.Context()); err != nil {
		t.Error(err)
	}
	if err := d.UseOnce(t.Context(), aUse(1)); err == nil {
		t.Error("what was used up before is forgotten")
	}
	if err := d.UseOnce(t.Context(), aUse(2)); err != nil {
		t.Errorf("what was refused meanwhile was done: %v", err)
	}
}

// A link may lead to the database. Its other files are beside the target.
func TestADatabaseBehindALinkIsLookedAt(t *testing.T) {
	d, folder := inFolder(t)
	d.Close()
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(filepath.Join(folder, "a.db"), link); err != nil {
		t.Fatal(err)
	}
	linked, err := Open(t.Context(), Options{Path: link})
	if err != nil {
		t.Fatal(err)
	}
	defer linked.Close()
	if err := linked.CheckWritable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(folder, "a.db")); err != nil {
		t.Fatal(err)
	}
	if err := linked.CheckWritable(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v", err)
	}
}

// fill prevents the database from growing.
func fill(t *testing.T, d *DB) {
	t.Helper()
	var pages int
	if err := d.write.QueryRowContext(t.Context(), "PRAGMA max_page_count = 1").Scan(&pages); err != nil {
		t.Fatal(err)
	}
}

func TestAFullDatabaseFailsTheCheck(t *testing.T) {
	d, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "a.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	if err := d.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	fill(t, d)
	if err := d.CheckWritable(t.Context()); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "full") {
		t.Errorf("error = %v, want that the database is full", err)
	}
	unlock := lock(t, d) // so that all of them wait for one transaction
	var group sync.WaitGroup
	var checked error
	errs := make([]error, 10)
	for i := range errs {
		group.Go(func() { errs[i] = d.UseOnce(t.Context(), aUse(byte(i))) })
		if i == 4 {
			gather(t, d, 5)
			group.Go(func() { checked = d.CheckWritable(t.Context()) })
			gather(t, d, 6)
		}
	}
	gather(t, d, 11)
	unlock()
	group.Wait()
	if checked == nil {
		t.Error("the check passes")
	}
	if err := errors.Join(errs...); err != nil {
		t.Errorf("writes that still find room fail with the check: %v", err)
	}
}

func TestAReadOnlyDatabaseFailsTheCheck(t *testing.T) {
	d, _ := inFolder(t)
	if _, err := d.write.ExecContext(t.Context(), "PRAGMA query_only = 1"); err != nil {
		t.Fatal(err)
	}
	if err := d.CheckWritable(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v, want ErrUnavailable", err)
	}
}

func TestAMissingTableFailsTheCheck(t *testing.T) {
	d, _ := inFolder(t)
	var want []string
	if err := json.Unmarshal([]byte(d.tables), &want); err != nil {
		t.Fatal(err)
	}
	there, err := all(t.Context(), d, "read the schema", func(s *string) []any { return []any{s} }, `SELECT name FROM sqlite_schema
		WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'schema_migrations' ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(there, want); diff != "" {
		t.Errorf("the check asks for other tables (-there +asked for):\n%s", diff)
	}
	for _, table := range []string{"used_assertions", "probes"} {
		if _, err := d.write.ExecContext(t.Context(), "DROP TABLE "+table); err != nil {
			t.Fatal(err)
		}
		if err := d.CheckWritable(t.Context()); err == nil || !strings.Contains(err.Error(), table) {
			t.Errorf("error = %v, want one that names %s", err, table)
		}
	}
	// A call that needs the table gets the same error as the health check.
	if err := d.UseOnce(t.Context(), store.Use{Issuer: "dpop", ExpiresAt: store.At(time.Now())}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error = %v, want that the store is unavailable", err)
	}
}

// A server that only answers /readyz for an hour does not grow the files.
func TestChecksDoNotGrowTheFiles(t *testing.T) {
	d, folder := inFolder(t)
	if _, err := d.Client(t.Context(), "web"); !errors.Is(err, store.ErrNotFound) { // a reader stays connected
		t.Fatal(err)
	}
	size := func(name string) int64 {
		t.Helper()
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	wal := size("a.db-wal")
	if err := d.CheckWritable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if wrote := size("a.db-wal") - wal; wrote < 16<<10 {
		t.Errorf("a check wrote %d bytes, want 16 KiB", wrote)
	}
	for range 3600 {
		if err := d.CheckWritable(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("database %d KiB, log %d KiB", size("a.db")>>10, size("a.db-wal")>>10)
	if size("a.db") > 1<<20 || size("a.db-wal") > 8<<20 {
		t.Errorf("the database has %d bytes, and its log %d", size("a.db"), size("a.db-wal"))
	}
}

func BenchmarkCheckWritable(b *testing.B) {
	d, _ := inFolder(b)
	for b.Loop() {
		if err := d.CheckWritable(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckFiles(b *testing.B) {
	d, _ := inFolder(b)
	for b.Loop() {
		if err := d.files.check(); err != nil {
			b.Fatal(err)
		}
	}
}
