package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"authserver/internal/config"
	"authserver/internal/store"
)

// Check looks whether Serve could start with these settings, and returns what it found in a line
// each. It changes nothing: it does not migrate, makes no keys, and does not listen, because a
// server may be running. The error is that of Serve.
func Check(ctx context.Context, s config.Server) (found []string, err error) {
	silent := slog.New(slog.DiscardHandler)
	if err := checkSettings(s); err != nil {
		return nil, err
	}
	if _, err := openTLS(s.TLS, silent); err != nil {
		return nil, err
	}
	if _, err := openPages(s.Identity, s.Pages); err != nil {
		return nil, err
	}
	remote, _, err := openRemoteKeys(s.Fetch, overHTTP(s.Identity), silent)
	if err != nil {
		return nil, err
	}
	remote.Close()
	found = append(found, "settings: ok")
	err = FindDatabase(s.Database)
	if missing := (*noDatabaseError)(nil); errors.As(err, &missing) && !s.NoMigrate {
		if err := checkFolder(s.Database); err != nil {
			return found, err
		}
		keeper, _, err := openMaster(ctx, s.Sealing)
		if err != nil {
			return found, err
		}
		return append(found, "database: there is none yet, and serve makes it"), keeper.Close()
	}
	if err != nil {
		return found, err
	}
	st, err := OpenStore(ctx, s.Database, silent)
	if err != nil {
		return found, err
	}
	defer st.Close()
	return checkDatabase(ctx, st, s, silent, found)
}

// checkedStore has what is checked in a database: the schema and the keys.
type checkedStore interface {
	MigrationStatus(ctx context.Context) (store.MigrationStatus, error)
	keyStore
}

func checkDatabase(ctx context.Context, st checkedStore, s config.Server, silent *slog.Logger, found []string) ([]string, error) {
	status, err := st.MigrationStatus(ctx)
	if err != nil {
		return found, fmt.Errorf("read the schema version: %w", err)
	}
	if !status.Dirty && status.Version < status.Latest && !s.NoMigrate {
		return append(found, fmt.Sprintf("database: serve migrates the schema from version %d to %d, and checks the keys after that", status.Version, status.Latest)), nil
	}
	if err := status.Check(); err != nil {
		return found, err
	}
	found = append(found, "database: ok")
	sealed, err := st.DataKeys(ctx)
	if err != nil {
		return found, fmt.Errorf("read the data keys: %w", err)
	}
	if len(sealed) == 0 {
		keeper, _, err := openMaster(ctx, s.Sealing)
		if err != nil {
			return found, err
		}
		return append(found, "keys: there are none yet, and serve makes them"), keeper.Close()
	}
	ring, err := openKeys(ctx, st, serverKeys(s), silent)
	if err != nil {
		return found, err
	}
	if err := ring.look(ctx); err != nil {
		_ = ring.Close() // faults of the keys are logged
		return found, err
	}
	return append(found, "keys: ok"), ring.Close()
}

// look opens the keys, and makes none.
func (k *keyring) look(ctx context.Context) error {
	if k.token != nil {
		if _, err := k.token.open(); err != nil {
			return err
		}
	}
	if err := k.signing.Check(ctx); err != nil {
		return fmt.Errorf("open the signing keys: %w", err)
	}
	if err := k.refresh.Reload(ctx); err != nil {
		return fmt.Errorf("open the refresh token keys: %w", err)
	}
	return nil
}
