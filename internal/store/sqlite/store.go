package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	driver "modernc.org/sqlite"

	"authserver/internal/store"
	"authserver/migrations"
)

var _ store.Store = (*DB)(nil)

// Options name the database and bound its use.
type Options struct {
	Path        string        // of the database file, which is created if it is missing; its folder must exist
	Readers     int           // connections for reading; 0: 8
	BusyTimeout time.Duration // bounds every call, and so the wait for the writer; 0: 5 s
}

// DB is a store in one file.
type DB struct {
	path   string
	files  *files
	busy   time.Duration
	steps  fs.FS   // the migrations
	tables string  // the tables after the last migration, as a JSON array
	write  *writer // one connection
	read   *pool
}

// lockPoll is how often the writer tries to take the write lock of another process. SQLite's own
// wait polls seldom and ignores a context.
const lockPoll = time.Millisecond

// Open opens the database file. If there is none, it creates an empty one that only its owner can
// read. It does not migrate.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Path == "" {
		return nil, errors.New("open the SQLite database: the path is empty")
	}
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, fmt.Errorf("open the SQLite database: %w", err)
	}
	if o.Readers <= 0 {
		o.Readers = 8
	}
	if o.BusyTimeout <= 0 {
		o.BusyTimeout = 5 * time.Second
	}
	steps, err := migrations.SQLite()
	if err != nil {
		return nil, err
	}
	tables, err := migrations.Tables(steps)
	if err != nil {
		return nil, err
	}
	d := &DB{path: path, busy: o.BusyTimeout, steps: steps}
	if d.tables, err = asArray(tables); err != nil {
		return nil, err
	}
	if err := d.create(ctx); err != nil {
		return nil, fault("open the SQLite database "+path, err)
	}
	writes, err := d.openPool(writerDSN(path, 0), 1)
	if err != nil {
		return nil, fault("open the SQLite database "+path, err)
	}
	d.write = &writer{pool: writes, files: d.files}
	if d.read, err = d.openPool(readerDSN(path, o.BusyTimeout), o.Readers); err != nil {
		return nil, errors.Join(fault("open the SQLite database "+path, err), writes.Close())
	}
	return d, nil
}

// create creates the file and sets its journal mode to WAL, which stays with the file. The lock is
// there because only one process at a time can do that.
func (d *DB) create(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, d.busy)
	defer cancel()
	unlock, err := lockFile(ctx, d.path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	// create does not open an existing file: closing it again would release the locks that this
	// process holds on it through SQLite (fcntl(2)).
	file, err := os.OpenFile(d.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case err == nil:
		if err := file.Close(); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	if d.files, err = findFiles(d.path); err != nil {
		return err
	}
	db, err := d.openPool(writerDSN(d.path, d.busy), 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return err
	}
	if mode == "wal" {
		return nil
	}
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("the journal stays in mode %q: WAL needs a local file system with shared memory", mode)
	}
	return nil
}

// Close closes the connections. Calls after it fail.
func (d *DB) Close() {
	_ = d.read.Close()
	_ = d.write.Close()
}

// bound gives a call its deadline.
func (d *DB) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d.busy)
}

func (d *DB) openPool(dsn string, connections int) (*pool, error) {
	connector, err := driver.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(sameFile{connector, d.files})
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return &pool{DB: db, prepared: map[string]*sql.Stmt{}}, nil
}

// writerDSN returns the file's name with the settings of a connection that writes.
func writerDSN(path string, wait time.Duration) string {
	return dsn(path, wait, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"foreign_keys(1)", "synchronous(FULL)", "journal_size_limit(67108864)"},
	})
}

// readerDSN returns the file's name with the settings of a connection that cannot write.
func readerDSN(path string, wait time.Duration) string {
	return dsn(path, wait, url.Values{"_query_only": {"1"}, "_pragma": {"cache_size(-256)"}})
}

// dsn returns the name of an existing file: SQLite never makes a new one instead of a lost one.
func dsn(path string, wait time.Duration, settings url.Values) string {
	settings.Set("mode", "rw")
	settings.Set("_busy_timeout", strconv.FormatInt(wait.Milliseconds(), 10))
	settings.Set("_dqs", "0")
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + settings.Encode()
}
