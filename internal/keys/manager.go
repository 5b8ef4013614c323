package keys

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"authserver/internal/store"
)

// Manager holds the signing keys in memory, makes their successors ahead of
// time, and says which of them signs. All of it may be called concurrently;
// Signer, Public, JWKS and Ready take no lock and make no query.
//
// [Manager.List] and [Manager.Planned] want Store, Timeline, Algorithms and Now;
// the rest wants every field.
type Manager struct {
	Store      store.SigningKeys
	Sealer     *Sealer
	Timeline   Timeline
	Algorithms []string // each has exactly one active key at any moment
	Generate   func(alg string) (crypto.Signer, error)
	Now        func() time.Time
	Logger     *slog.Logger

	reloading sync.Mutex // so that an older reading never replaces a newer one
	planning  sync.Mutex // so that this process makes one key at a time
	current   atomic.Pointer[snapshot]
}

// Load reads the keys at start, and makes the first key of each algorithm that
// has none; that one signs at once. It is an error where an algorithm has no key
// that could sign.
func (m *Manager) Load(ctx context.Context) error {
	if err := m.createFirst(ctx); err != nil {
		return err
	}
	return m.Reload(ctx)
}

// Reload takes in what was changed, here or elsewhere. Where it fails, or where
// an algorithm would be left with no key that can sign, everything goes on with
// what was known before.
func (m *Manager) Reload(ctx context.Context) error {
	m.reloading.Lock()
	defer m.reloading.Unlock()
	rows, err := m.read(ctx)
	if err != nil {
		return err
	}
	before := m.current.Load()
	next := takeSnapshot(m.Sealer, rows, before)
	for _, fault := range next.faults(before) {
		m.Logger.ErrorContext(ctx, "a signing key cannot be used", "error", fault)
	}
	if err := next.ready(m.Algorithms, m.Now()); err != nil {
		return fmt.Errorf("take in the signing keys: %w", err)
	}
	document, err := next.publish(m.Now())
	if err != nil {
		return fmt.Errorf("take in the signing keys: %w", err)
	}
	next.jwks.Store(document)
	m.current.Store(next)
	return nil
}

// Tick does what is due: it takes in what was changed and plans what has to be
// planned. Call it every [Timeline.TickInterval], whether the last call
// succeeded or not.
func (m *Manager) Tick(ctx context.Context) error {
	if err := m.Reload(ctx); err != nil {
		return err
	}
	return m.Plan(ctx)
}

func (m *Manager) read(ctx context.Context) ([]store.SigningKey, error) {
	rows, err := m.Store.SigningKeys(ctx, store.At(m.Now()))
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	return rows, nil
}

// Signer is what signs a token.
type Signer struct {
	KID string
	Alg string
	Key crypto.Signer
}

// Signer returns the key that signs with the algorithm at this moment.
func (m *Manager) Signer(alg string) (Signer, error) {
	s := m.current.Load()
	if s == nil {
		return Signer{}, errNotLoaded()
	}
	now := m.Now()
	p, err := s.signer(alg, now)
	if err != nil {
		return Signer{}, err
	}
	p.note(now)
	return Signer{KID: p.kid, Alg: p.alg, Key: p.private}, nil
}

// PublicKey is what verifies a token of our own. Alg is the only algorithm that
// it may verify (RFC 8725 §3.1).
type PublicKey struct {
	KID string
	Alg string
	Key crypto.PublicKey
}

// Public returns the key with this identifier, where it is published.
func (m *Manager) Public(kid string) (PublicKey, bool) {
	s := m.current.Load()
	if s == nil {
		return PublicKey{}, false
	}
	e, ok := s.byKID[kid]
	if !ok || e.pair == nil || StateAt(e.row, m.Now()) == Removed {
		return PublicKey{}, false
	}
	return PublicKey{KID: e.pair.kid, Alg: e.pair.alg, Key: e.pair.private.Public()}, true
}

// Ready returns nil where every algorithm has a key that signs.
func (m *Manager) Ready() error {
	s := m.current.Load()
	if s == nil {
		return errNotLoaded()
	}
	return s.ready(m.Algorithms, m.Now())
}

func errNotLoaded() error { return errors.New("the signing keys are not loaded yet") }
