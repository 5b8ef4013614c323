package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"authserver/internal/config"
	"authserver/internal/store"
	"authserver/internal/store/postgres"
	"authserver/internal/store/sqlite"
)

// OpenStore opens the store that --database-url names, with any version of the schema.
func OpenStore(ctx context.Context, s config.Database, logger *slog.Logger) (store.Store, error) {
	path, ok := sqlitePath(s)
	if !ok {
		return openPostgres(ctx, s, logger)
	}
	st, err := sqlite.Open(ctx, sqlite.Options{Path: path})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: make its folder first, or set --database-url to another place", err)
	}
	if err != nil {
		return nil, err
	}
	return st, nil
}

func openPostgres(ctx context.Context, s config.Database, logger *slog.Logger) (store.Store, error) {
	st, err := postgres.Open(ctx, postgres.Options{
		URL: s.DatabaseURL.Reveal(), MaxConns: int32(s.DatabaseMaxConns), Logger: logger, //nolint:gosec // G115: the settings bound it
	})
	if err != nil {
		return nil, fmt.Errorf("--database-url: %w", err)
	}
	return st, nil
}

// noDatabaseError says that there is no SQLite database at a path.
type noDatabaseError struct{ path string }

func (e *noDatabaseError) Error() string {
	return "there is no database at " + e.path + ": set --database-url to that of the server, or make one with authserver dev or authserver migrate up"
}

// FindDatabase returns an error if there is no SQLite database, because opening a mistyped path
// would create an empty one, and opening another file would leave a lock file beside it. PostgreSQL
// reports that itself. FindDatabase comes before [OpenStore]: when it closes the file, this process
// loses the locks that SQLite holds on it (fcntl(2)).
func FindDatabase(s config.Database) error {
	path, ok := sqlitePath(s)
	if !ok {
		return nil
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return &noDatabaseError{path}
	}
	if err != nil {
		return fmt.Errorf("look for the database: %w", err)
	}
	defer func() { _ = file.Close() }()
	const header = "SQLite format 3\x00" // https://www.sqlite.org/fileformat.html section 1.3
	start, err := io.ReadAll(io.LimitReader(file, int64(len(header))))
	switch {
	case err != nil:
		return fmt.Errorf("look for the database: %w", err)
	case len(start) == 0:
		return &noDatabaseError{path}
	case string(start) != header:
		return fmt.Errorf("%s is not an SQLite database: set --database-url to that of the server", path)
	}
	return nil
}

// checkFolder returns an error if the file of a new database cannot be created.
func checkFolder(s config.Database) error {
	path, ok := sqlitePath(s)
	if !ok {
		return nil
	}
	folder := filepath.Dir(path)
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the SQLite database %s: %w: make its folder first, or set --database-url to another place", path, err)
	case err != nil:
		return fmt.Errorf("look for the folder of the SQLite database: %w", err)
	case !info.IsDir():
		return fmt.Errorf("the SQLite database %s: %s is not a folder: set --database-url to another place", path, folder)
	}
	if err := unix.Access(folder, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("the SQLite database %s: this account cannot make files in %s: %w", path, folder, err)
	}
	return nil
}

// sqlitePath returns the path in a URL such as sqlite:a.db or sqlite:///var/a.db.
func sqlitePath(s config.Database) (string, bool) {
	path, ok := strings.CutPrefix(s.DatabaseURL.Reveal(), "sqlite:")
	return strings.TrimPrefix(path, "//"), ok
}
