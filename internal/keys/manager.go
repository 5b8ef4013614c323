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

	"authserver/internal/keys/sealing"
	"authserver/internal/store"
)

// Store is the part of the store that a Manager uses.
type Store interface {
	store.SigningKeys
	store.LifetimePromises
	store.Algorithms
	// RecordEvent records a transition of a key in the audit.
	RecordEvent(ctx context.Context, e store.Event) error
}

// Manager has the signing keys in memory, makes their successors ahead of time, and selects the key
// that signs. It is safe for concurrent use; Signer, Public, JWKS and Ready take no lock and make
// no query.
//
// [Manager.List] and [Manager.Planned] need Store, Timeline, Algorithms and Now; the other methods
// need every field.
type Manager struct {
	Store    Store
	Server   string      // names this run of a server; "" in a command
	Actor    store.Actor // makes the changes that the timeline demands
	Sealer   *sealing.Sealer
	Timeline Timeline
	// Algorithms are those that always have exactly one active key. The algorithms of resources are
	// added, once verifiers can know the first key.
	Algorithms []string
	Source     Source
	Now        func() time.Time
	Logger     *slog.Logger

	reloading   sync.Mutex                   // so that an older reading never replaces a newer one
	planning    sync.Mutex                   // so that this process plans one change at a time
	promised    atomic.Pointer[store.Moment] // nil: this process does not serve
	current     atomic.Pointer[snapshot]
	transitions transitions
}

// Load is for a server that starts: it promises its lifetimes, makes the missing keys and reads
// them. In an empty database they sign at once. It returns an error if an algorithm has no key that
// can sign.
func (m *Manager) Load(ctx context.Context) error {
	// In this order: a server that plans from now on knows these lifetimes, and then this server
	// reads earlier plans.
	if err := m.keepPromise(ctx); err != nil {
		return err
	}
	err := m.planFirst(ctx)
	if unmade := (*notMade)(nil); err != nil && !errors.As(err, &unmade) {
		return fmt.Errorf("plan the signing keys: %w", err)
	}
	// Only now it shows whether a key that could not be made is necessary.
	if reloaded := m.Reload(ctx); reloaded != nil {
		return errors.Join(err, reloaded)
	}
	if err != nil {
		m.Logger.ErrorContext(ctx, "a signing key is missing", "error", err)
	}
	return nil
}

// Reload reads changes by this server or others. If it fails, or if an algorithm would have no key
// that can sign, the keys in memory stay in use. So does a key whose row cannot be opened any more.
func (m *Manager) Reload(ctx context.Context) error {
	m.reloading.Lock()
	defer m.reloading.Unlock()
	read, err := m.read(ctx, store.At(m.Now()))
	if err != nil {
		return err
	}
	before := m.current.Load()
	next := takeSnapshot(m.Sealer, m.Source, read, before)
	for _, fault := range next.faults(before) {
		m.Logger.ErrorContext(ctx, "a signing key cannot be opened", "error", fault)
	}
	for _, k := range next.takenOut(before, m.Now()) {
		m.Logger.WarnContext(ctx, "signing key taken out of use", "kid", k.KID, "alg", k.Alg, "audit", true)
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

// Tick reads changes, and plans what is due. Call it every [Timeline.TickInterval], whether the
// last call succeeded or not.
func (m *Manager) Tick(ctx context.Context) error {
	// Even if nothing can be read, this server uses its lifetimes.
	if err := errors.Join(m.Reload(ctx), m.keepPromise(ctx)); err != nil {
		return err
	}
	return errors.Join(m.Plan(ctx), m.recordTransitions(ctx))
}

func (m *Manager) read(ctx context.Context, now store.Moment) (store.KeyPlan, error) {
	plan, err := m.Store.KeyPlan(ctx, now)
	if err != nil {
		return store.KeyPlan{}, fmt.Errorf("read the signing keys: %w", err)
	}
	return plan, nil
}

// Signer signs tokens.
type Signer struct {
	KID string
	Alg string
	Key crypto.Signer
}

// Signer returns the key that signs with the algorithm now.
func (m *Manager) Signer(alg string) (Signer, error) {
	s := m.current.Load()
	if s == nil {
		return Signer{}, errNotLoaded()
	}
	now := m.Now()
	p, err := s.signerOf(alg, now)
	if err != nil {
		return Signer{}, err
	}
	p.note(now)
	return Signer{KID: p.kid, Alg: p.alg, Key: p.private}, nil
}

// ReadyFor returns nil if a key signs with the algorithm now, as far as is known without a
// signature, and otherwise the error of Signer or of the key. It tries the key in the cases of
// [Manager.Ready].
func (m *Manager) ReadyFor(alg string) error {
	s := m.current.Load()
	if s == nil {
		return errNotLoaded()
	}
	p, err := s.signerOf(alg, m.Now())
	if err != nil {
		return err
	}
	if d, ok := p.private.(*remoteKey); ok {
		return d.answers()
	}
	return nil
}

// PublicKey verifies tokens of this server. Alg is the only algorithm that it may verify (RFC 8725
// §3.1).
type PublicKey struct {
	KID string
	Alg string
	Key crypto.PublicKey
}

// Public returns the key with this identifier, if it is published.
func (m *Manager) Public(kid string) (PublicKey, bool) {
	s := m.current.Load()
	if s == nil {
		return PublicKey{}, false
	}
	e, ok := s.byKID[kid]
	if !ok || e.pair == nil || encrypts(e.row.Alg) || StateAt(e.row, m.Now()) == Removed {
		return PublicKey{}, false
	}
	return PublicKey{KID: e.pair.kid, Alg: e.pair.alg, Key: e.pair.private.Public()}, true
}

// Ready returns nil if every algorithm has a key that signs, as far as is known without a
// signature: for a remote key the last signature counts. If that failed, Ready tries again.
func (m *Manager) Ready() error {
	s := m.current.Load()
	if s == nil {
		return errNotLoaded()
	}
	now := m.Now()
	return errors.Join(s.ready(m.Algorithms, now), s.answer(now))
}

func errNotLoaded() error { return errors.New("the signing keys are not loaded yet") }
