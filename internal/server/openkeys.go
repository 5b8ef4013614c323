package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"authserver/internal/config"
	"authserver/internal/keys"
	"authserver/internal/keys/keepers"
	"authserver/internal/keys/sealing"
	"authserver/internal/keys/signers"
	"authserver/internal/store"
)

// keyStore is the part of the store with this server's keys.
type keyStore interface {
	keys.Store
	keys.RefreshStore
	store.DataKeys
}

// keyring has all keys of this server. Nothing is loaded yet.
type keyring struct {
	sealer  *sealing.Sealer
	signing *keys.Manager
	refresh *keys.RefreshKeys
	subject *keys.SubjectSecret
	token   *pkcs11Token // nil: keys are kept in the database
	closers []io.Closer
}

// Close disconnects from the key management service and the PKCS #11 token.
func (k *keyring) Close() error {
	var errs []error
	for _, c := range k.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// SignedBy names the code that signs with the keys in the database.
func SignedBy() string { return signers.Name() }

// keySettings are the settings for opening the keys.
type keySettings struct {
	sealing  config.Sealing
	pkcs11   config.PKCS11
	timeline keys.Timeline // zero: no key is planned
	grace    time.Duration // how long after its exchange a refresh token may be presented again
}

// serverKeys are the settings of a server's keys.
func serverKeys(s config.Server) keySettings {
	return keySettings{sealing: s.Sealing, pkcs11: s.PKCS11, timeline: newTimeline(s.Timeline, s.Clocks, s.AccessTokens), grace: s.RefreshGrace}
}

// newTimeline is how the keys are planned.
func newTimeline(s config.Timeline, clocks config.Clocks, tokens config.AccessTokens) keys.Timeline {
	return keys.Timeline{
		RotationInterval: s.KeyRotationInterval, JWKSMaxAge: s.JWKSMaxAge, PollInterval: s.KeyPollInterval,
		ClockSkew: clocks.ClockSkew, MaxTokenTTL: tokens.MaxAccessTokenTTL,
	}
}

// closedKeys shows the signing keys without opening any of them.
func closedKeys(st keyStore, timeline keys.Timeline, logger *slog.Logger) *keyring {
	return &keyring{signing: &keys.Manager{
		Store: st, Algorithms: []string{keys.RS256, keys.ES256}, Timeline: timeline, Now: time.Now, Logger: logger,
	}}
}

// openKeys opens the sealer under the master key, and the keys under that.
func openKeys(ctx context.Context, st keyStore, s keySettings, logger *slog.Logger) (_ *keyring, err error) {
	ring := closedKeys(st, s.timeline, logger)
	defer func() {
		if err != nil {
			err = errors.Join(err, ring.Close())
		}
	}()
	keeper, master, err := openMaster(ctx, s.sealing)
	if err != nil {
		return nil, err
	}
	ring.closers = append(ring.closers, keeper)
	ring.sealer, err = sealing.Open(ctx, sealing.Options{Store: st, Keeper: keeper, MasterID: master, Actor: actor(), Now: time.Now, Rand: rand.Reader})
	if err != nil {
		return nil, fmt.Errorf("open the sealed keys: %w", err)
	}
	var source keys.Source = keys.Software{}
	if s.pkcs11.PKCS11Module != "" {
		ring.token = newPKCS11Token(s.pkcs11)
		ring.closers = append(ring.closers, ring.token)
		source = ring.token
	}
	server, err := newServerID()
	if err != nil {
		return nil, err
	}
	ring.signing.Server, ring.signing.Sealer, ring.signing.Source = server, ring.sealer, source
	ring.signing.Actor = actor()
	ring.refresh = &keys.RefreshKeys{
		Store: st, Sealer: ring.sealer, Actor: actor(), Timeline: ring.signing.Effective, Grace: s.grace, Now: time.Now, Rand: rand.Reader, Logger: logger,
	}
	ring.subject = &keys.SubjectSecret{Store: st, Sealer: ring.sealer, Actor: actor(), Now: time.Now, Rand: rand.Reader}
	return ring, nil
}

// openMaster opens the master key: 32 bytes, or a key of a key management service.
func openMaster(ctx context.Context, s config.Sealing) (keeper sealing.Keeper, id string, err error) {
	if s.MasterKeyURL != "" {
		if keeper, id, err = keepers.Open(ctx, s.MasterKeyURL); err != nil {
			return nil, "", fmt.Errorf("--master-key-url: %w", err)
		}
		return keeper, id, nil
	}
	key, err := s.ParsedMasterKey()
	if err != nil {
		return nil, "", err
	}
	master, err := sealing.MasterFrom(key)
	if err != nil {
		return nil, "", err
	}
	return master.Keeper(), master.ID(), nil
}

// newServerID names one run of a server.
func newServerID() (string, error) {
	id := make([]byte, 8)
	if _, err := io.ReadFull(rand.Reader, id); err != nil {
		return "", fmt.Errorf("name this run of the server: %w", err)
	}
	return hex.EncodeToString(id), nil
}

// load makes what is missing and reads the keys, for a server that is about to
// serve.
func (k *keyring) load(ctx context.Context) error {
	if k.token != nil {
		if _, err := k.token.open(); err != nil {
			return err
		}
	}
	if err := k.signing.Load(ctx); err != nil {
		return fmt.Errorf("load the signing keys: %w", err)
	}
	if err := k.refresh.Load(ctx); err != nil {
		return fmt.Errorf("load the refresh token keys: %w", err)
	}
	if err := k.subject.Load(ctx); err != nil {
		return err
	}
	return nil
}

// reload loads changed keys. The data keys come first, because rows may be sealed under new ones.
func (k *keyring) reload(ctx context.Context) error {
	if err := k.sealer.Reload(ctx); err != nil {
		return err
	}
	return errors.Join(k.signing.Reload(ctx), k.refresh.Reload(ctx))
}

// tick loads changes without a notification, and does what is due.
func (k *keyring) tick(ctx context.Context) error {
	return errors.Join(k.sealer.Reload(ctx), k.signing.Tick(ctx), k.refresh.Tick(ctx))
}
