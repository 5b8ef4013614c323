package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"gocloud.dev/secrets"

	"authserver/internal/admin"
	"authserver/internal/config"
	"authserver/internal/keys"
	"authserver/internal/passwords"
	"authserver/internal/store"
	"authserver/internal/tokens"
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
type keysOpener func(ctx context.Context, st store.Store, s config.Server, logger *slog.Logger) (*keyring, error)

func opened(ctx context.Context, s config.Server, open keysOpener) (*admin.Admin, func(), error) {
	st, err := OpenStore(ctx, s, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	a, err := openAdmin(ctx, st, s, open)
	if err != nil {
		st.Close()
		return nil, nil, err
	}
	return a, func() {
		_ = a.Close() // what was asked for is done
		st.Close()
	}, nil
}

func openAdmin(ctx context.Context, st store.Store, s config.Server, open keysOpener) (*admin.Admin, error) {
	status, err := st.MigrationStatus(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the schema version: %w", err)
	}
	if err := status.Check(); err != nil {
		return nil, err
	}
	// What the manager has to tell it returns; a command's answer is no log.
	silent := slog.New(slog.DiscardHandler)
	ring, err := open(ctx, st, s, silent)
	if err != nil {
		return nil, err
	}
	hasher, err := passwords.New(passwords.Options{Cost: s.BcryptCost})
	if err != nil {
		return nil, fmt.Errorf("set up password hashing: %w", err)
	}
	remote, _, err := openRemoteKeys(s, silent)
	if err != nil {
		return nil, err
	}
	limits, err := newAlgorithms(s)
	if err != nil {
		return nil, err
	}
	return &admin.Admin{
		Remote: remote, LocalHTTP: overHTTP(s),
		Store: st, Sealer: ring.sealer, Keys: ring.signing, RefreshKeys: ring.refresh, Passwords: hasher, Closer: ring,
		OpenMaster: func(ctx context.Context, to admin.MasterKey) (*secrets.Keeper, string, error) {
			target := s
			target.MasterKey, target.MasterKeyURL = config.NewSecret(to.Key), to.URL
			return openMaster(ctx, target)
		},
		Revoker:   newRevoker(st, &tokens.View{Store: st, Now: time.Now}, s, slog.New(slog.DiscardHandler)),
		Self:      s.Issuer,
		Audiences: audiences(s.Issuer),
		Limits: admin.Limits{
			AccessTokenTTL:    s.DefaultAccessTokenTTL,
			MaxAccessTokenTTL: s.MaxAccessTokenTTL,
			SigningAlg:        keys.RS256,
			RefreshIdleTTL:    s.DefaultRefreshIdleTTL,
			RefreshMaxTTL:     s.DefaultRefreshMaxTTL,
			RefreshGrace:      s.RefreshGrace,
			AssertionLifetime: s.AssertionMaxLifetime,
			AssertionAlgs:     limits.assertions,
			ClockSkew:         s.ClockSkew,
		},
		TakesCertificates: s.TakesCertificates(), TrustsAuthorities: s.TLSClientCAFile != "",
		Now: time.Now, Rand: rand.Reader,
	}, nil
}
