package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"authserver/internal/config"
	"authserver/internal/store"
	"authserver/internal/store/sqlite"
)

// OpenStore opens the store that --database-url names, on whatever schema it has.
func OpenStore(ctx context.Context, s config.Settings) (store.Store, error) {
	path, ok := sqlitePath(s)
	if !ok {
		return nil, errors.New("--database-url: this version knows sqlite:PATH alone")
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

// sqlitePath returns the path in a URL such as sqlite:a.db or sqlite:///var/a.db.
func sqlitePath(s config.Settings) (string, bool) {
	path, ok := strings.CutPrefix(s.DatabaseURL.Reveal(), "sqlite:")
	return strings.TrimPrefix(path, "//"), ok
}
