package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync/atomic"

	"authserver/internal/store"
)

// files are the files with which a database was opened. SQLite continues to write into files that
// were deleted or replaced, and these writes are lost. The check takes some microseconds, so every
// call makes it.
type files struct {
	main file
	real string // path of main without symbolic links: SQLite puts the other files beside it
	// beside are the write-ahead log and its index, which stay the same while a connection is open;
	// nil: nothing was written yet.
	beside atomic.Pointer[[2]file]
}

// file is a path, and the file that was there.
type file struct {
	path string
	id   fileID
}

func findFile(path string) (file, error) {
	id, _, err := identify(path)
	return file{path, id}, err
}

func findFiles(path string) (*files, error) {
	main, err := findFile(path)
	if err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	return &files{main: main, real: real}, nil
}

// check returns nil if the files are those that were opened, and otherwise an error that wraps
// [store.ErrUnavailable].
func (f *files) check() error {
	size, err := f.main.check()
	if err != nil {
		return err
	}
	beside := f.beside.Load()
	if beside == nil {
		return nil
	}
	if size == 0 {
		return f.main.lost("was emptied", nil)
	}
	for _, each := range beside {
		if _, err := each.check(); err != nil {
			return err
		}
	}
	return nil
}

// committed is check after a commit, when the other files exist.
func (f *files) committed() error {
	if f.beside.Load() == nil {
		log, err := findFile(f.real + "-wal")
		if err != nil {
			return log.lost("was deleted or moved", err)
		}
		index, err := findFile(f.real + "-shm")
		if err != nil {
			return index.lost("was deleted or moved", err)
		}
		f.beside.CompareAndSwap(nil, &[2]file{log, index})
	}
	return f.check()
}

// check returns the size of the file, and an error if it is no longer the same file.
func (f file) check() (size int64, err error) {
	id, size, err := identify(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, f.lost("was deleted or moved", err)
	case err != nil:
		return 0, f.lost("cannot be looked at", err)
	case id != f.id:
		return 0, f.lost("was replaced by another file", nil)
	}
	return size, nil
}

func (f file) lost(what string, cause error) error {
	const advice = "stop the server, put the database back and start the server again"
	if cause != nil {
		return fmt.Errorf("%w: %s %s while the database was open: %s: %w", store.ErrUnavailable, f.path, what, advice, cause)
	}
	return fmt.Errorf("%w: %s %s while the database was open: %s", store.ErrUnavailable, f.path, what, advice)
}

// sameFile connects only to the files that were found first.
type sameFile struct {
	driver.Connector
	files *files
}

// Connect implements [driver.Connector].
func (c sameFile) Connect(ctx context.Context) (driver.Conn, error) {
	if err := c.files.check(); err != nil {
		return nil, err
	}
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.files.check(); err != nil { // SQLite may have opened a file that came in between
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
