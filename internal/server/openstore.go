package server

import (
	"context"
	"errors"
	"fmt"
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

// FindDatabase returns an error if there is no SQLite database, because opening a mistyped path
// would create an empty one. PostgreSQL reports that itself.
func FindDatabase(s config.Database) error {
	path, ok := sqlitePath(s)
	if !ok {
		return nil
	}
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no database at %s: set --database-url to that of the server, or make one with authserver dev or authserver migrate up", path)
	}
	if err != nil {
		return fmt.Errorf("look for the database: %w", err)
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
