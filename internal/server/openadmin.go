package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"authserver/internal/admin"
	"authserver/internal/config"
	"authserver/internal/store"
)

// OpenAdmin opens the database for an administrator, beside whatever servers run
// on it. The schema has to be there already. The function returned closes it.
func OpenAdmin(ctx context.Context, s config.Server) (*admin.Admin, func(), error) {
	return opened(ctx, s, openKeys)
}

// OpenReader is OpenAdmin for what changes nothing and opens no key: no master key is
// needed.
func OpenReader(ctx context.Context, s config.Server) (*admin.Admin, func(), error) {
	return opened(ctx, s, closedKeys)
}

// keysOpener opens the keys of a database, as far as they are needed.
type keysOpener func(ctx context.Context, st keyStore, s config.Server, logger *slog.Logger) (*keyring, error)

func opened(ctx context.Context, s config.Server, open keysOpener) (*admin.Admin, func(), error) {
	st, err := OpenStore(ctx, s, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	a, ring, err := openAdmin(ctx, st, s, open)
	if err != nil {
		st.Close()
		return nil, nil, err
	}
	return a, func() {
		_ = ring.Close() // what was asked for is done
		st.Close()
	}, nil
}

// openAdmin opens what an administrator works with on a store that is open. The ring is
// for the caller to close.
func openAdmin(ctx context.Context, st store.Store, s config.Server, open keysOpener) (*admin.Admin, *keyring, error) {
	status, err := st.MigrationStatus(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read the schema version: %w", err)
	}
	if err := status.Check(); err != nil {
		return nil, nil, err
	}
	// What the manager has to tell it returns; a command's answer is no log.
	ring, err := open(ctx, st, s, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	a, err := wireAdmin(st, ring, s)
	if err != nil {
		return nil, nil, errors.Join(err, ring.Close())
	}
	return a, ring, nil
}
