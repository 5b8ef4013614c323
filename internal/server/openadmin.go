package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"authserver/internal/admin"
	"authserver/internal/config"
	"authserver/internal/keys"
	"authserver/internal/store"
)

// AdminSettings are the groups of settings that a command reads for its operations. A nil group
// opens nothing, and a zero group sets nothing: the command must not call an operation that needs
// it.
type AdminSettings struct {
	Database         config.Database
	Sealing          *config.Sealing // nil: no key is opened and nothing is sealed
	PKCS11           config.PKCS11
	Timeline         *config.Timeline // nil: no signing key is planned
	AccessTokens     config.AccessTokens
	Clocks           config.Clocks
	Passwords        *config.Passwords // nil: nothing is hashed
	NewPasswords     config.NewPasswords
	Fetch            *config.Fetch // nil: no key set is fetched
	Identity         config.Identity
	TLS              config.TLS
	NewResources     config.NewResources
	NewClients       config.NewClients
	Refresh          config.Refresh
	Assertions       config.Assertions
	ClientAssertions config.ClientAssertions
}

// OpenAdmin opens the database for an administrator, while servers may run on it. The schema has to
// exist. The returned function closes it.
func OpenAdmin(ctx context.Context, s AdminSettings) (*admin.Admin, func(), error) {
	st, err := OpenStore(ctx, s.Database, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	a, ring, err := openAdmin(ctx, st, s)
	if err != nil {
		st.Close()
		return nil, nil, err
	}
	return a, func() {
		_ = ring.Close() // the operation is done
		st.Close()
	}, nil
}

// openAdmin makes the operations on an open store. The caller closes the ring.
func openAdmin(ctx context.Context, st store.Store, s AdminSettings) (*admin.Admin, *keyring, error) {
	status, err := st.MigrationStatus(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read the schema version: %w", err)
	}
	if err := status.Check(); err != nil {
		return nil, nil, err
	}
	ring, err := openAdminKeys(ctx, st, s)
	if err != nil {
		return nil, nil, err
	}
	a, err := wireAdmin(st, ring, s)
	if err != nil {
		return nil, nil, errors.Join(err, ring.Close())
	}
	return a, ring, nil
}

// openAdminKeys opens the keys as far as the command has their settings.
func openAdminKeys(ctx context.Context, st keyStore, s AdminSettings) (*keyring, error) {
	// The manager returns its results; a command does not show its log.
	silent := slog.New(slog.DiscardHandler)
	var timeline keys.Timeline
	if s.Timeline != nil {
		timeline = newTimeline(*s.Timeline, s.Clocks, s.AccessTokens)
		if err := settingsError(timeline.Validate(config.FormatDuration)); err != nil {
			return nil, err
		}
	}
	if s.Sealing == nil {
		return closedKeys(st, timeline, silent), nil
	}
	return openKeys(ctx, st, keySettings{sealing: *s.Sealing, pkcs11: s.PKCS11, timeline: timeline, grace: s.Refresh.RefreshGrace}, silent)
}
