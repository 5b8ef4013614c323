package keys_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"authserver/internal/keys"
	"authserver/internal/store"
)

// memory keeps keys as the contract of package store says, for tests of
// thousands of steps and for rows that have to be tampered with.
type memory struct {
	mu      sync.Mutex
	down    bool
	signing []store.SigningKey
	secret  []store.SecretKey
	data    []store.DataKey
	writes  int
}

func (m *memory) lock() (unlock func(), err error) {
	m.mu.Lock()
	if m.down {
		m.mu.Unlock()
		return nil, store.ErrUnavailable
	}
	return m.mu.Unlock, nil
}

func (m *memory) SigningKeys(_ context.Context, now store.Moment) ([]store.SigningKey, error) {
	unlock, err := m.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	var out []store.SigningKey
	for _, k := range m.signing {
		if k.RemovedAt.IsZero() || now.Before(k.RemovedAt) {
			k.Sealed = bytes.Clone(k.Sealed)
			out = append(out, k)
		}
	}
	slices.SortStableFunc(out, func(a, b store.SigningKey) int { return a.ActiveAt.Compare(b.ActiveAt) })
	return out, nil
}

func (m *memory) find(kid string) *store.SigningKey {
	i := slices.IndexFunc(m.signing, func(k store.SigningKey) bool { return k.KID == kid })
	if i < 0 {
		return nil
	}
	return &m.signing[i]
}

func (m *memory) SucceedSigningKey(_ context.Context, next store.SigningKey, predecessorRemovedAt store.Moment) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	for _, k := range m.signing {
		if k.KID == next.KID || k.Alg == next.Alg && k.Predecessor == next.Predecessor {
			return store.ErrExists
		}
	}
	if next.Predecessor != "" {
		p := m.find(next.Predecessor)
		if p == nil || !p.RevokedAt.IsZero() {
			return store.ErrNotFound
		}
		p.RetiredAt, p.RemovedAt = next.ActiveAt, predecessorRemovedAt
	}
	m.signing = append(m.signing, next)
	m.writes++
	return nil
}

func (m *memory) RescheduleSigningKey(_ context.Context, kid string, from, to, predecessorRemovedAt store.Moment) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	k := m.find(kid)
	if k == nil {
		return store.ErrNotFound
	}
	if !k.ActiveAt.Equal(from) || !k.RevokedAt.IsZero() {
		return store.ErrConflict
	}
	k.ActiveAt = to
	if p := m.find(k.Predecessor); p != nil {
		p.RetiredAt, p.RemovedAt = to, predecessorRemovedAt
	}
	m.writes++
	return nil
}

func (m *memory) RevokeSigningKey(_ context.Context, r store.KeyRevocation) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	k := m.find(r.KID)
	if k == nil || !k.RevokedAt.IsZero() {
		return store.ErrNotFound
	}
	waiting := k.Predecessor != "" && k.ActiveAt.After(r.At)
	signs := k.RetiredAt.IsZero() || k.RetiredAt.After(r.At)
	next := m.successor(r.KID)
	if signs && !waiting && next == nil && r.Next == nil {
		return store.ErrConflict
	}
	k.RevokedAt, k.RemovedAt, k.Reason = r.At, r.At, r.Reason
	if signs {
		k.RetiredAt = r.At
	}
	switch {
	case waiting:
		before := m.find(k.Predecessor)
		k.Predecessor = "revoked " + k.KID
		before.RetiredAt, before.RemovedAt = store.Moment{}, store.Moment{}
		if next != nil {
			next.Predecessor = before.KID
			before.RetiredAt, before.RemovedAt = next.ActiveAt, next.ActiveAt.Add(r.Lag)
		}
	case next != nil:
		if r.From.Before(next.ActiveAt) {
			next.ActiveAt = r.From
		}
	case signs:
		m.signing = append(m.signing, *r.Next)
	}
	return nil
}

func (m *memory) successor(kid string) *store.SigningKey {
	for i := range m.signing {
		if m.signing[i].Predecessor == kid {
			return &m.signing[i]
		}
	}
	return nil
}

func (m *memory) RecordKeyUse(_ context.Context, lastUsed map[string]store.Moment) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	for kid, at := range lastUsed {
		if k := m.find(kid); k != nil && k.LastUsedAt.Before(at) {
			k.LastUsedAt = at
		}
	}
	m.writes++
	return nil
}

func (m *memory) SecretKeys(_ context.Context, purpose string) ([]store.SecretKey, error) {
	unlock, err := m.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	var out []store.SecretKey
	for _, k := range m.secret {
		if k.Purpose == purpose {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b store.SecretKey) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

func (m *memory) CreateSecretKey(_ context.Context, k store.SecretKey) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	for _, other := range m.secret {
		if other.Purpose == k.Purpose && other.ID == k.ID {
			return store.ErrExists
		}
	}
	m.secret = append(m.secret, k)
	return nil
}

func (m *memory) DataKeys(context.Context) ([]store.DataKey, error) {
	unlock, err := m.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	out := slices.Clone(m.data)
	slices.SortFunc(out, func(a, b store.DataKey) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

func (m *memory) CreateDataKey(_ context.Context, k store.DataKey) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	for _, other := range m.data {
		if other.ID == k.ID {
			return store.ErrExists
		}
	}
	m.data = append(m.data, k)
	return nil
}

// clock is the test's own.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// The timeline of most tests: Lead 6 minutes, of which the JWKS may be kept for 4,
// fresh and then stale. Lag 16 minutes.
func timeline() keys.Timeline {
	return keys.Timeline{
		RotationInterval: 24 * time.Hour, JWKSMaxAge: 4*time.Minute - 21*time.Second, PollInterval: time.Minute,
		ClockSkew: time.Minute, MaxTokenTTL: 15 * time.Minute,
	}
}

const masterKey = "c2VjcmV0IG1hc3RlciBrZXkgb2YgdGhpcnR5IHR3byE="

func openSealer(t testing.TB, st store.DataKeys) *keys.Sealer {
	t.Helper()
	s, err := keys.OpenSealer(t.Context(), sealerOptions(t, st, masterKey))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sealerOptions(t testing.TB, st store.DataKeys, text string) keys.SealerOptions {
	t.Helper()
	m := master(t, text)
	return keys.SealerOptions{Store: st, Keeper: m.Keeper(), MasterID: m.ID(), Now: newClock().Now, Rand: rand.Reader}
}

// newManager returns a manager over the store that has ES256 alone, whose keys
// are made in microseconds.
func newManager(t testing.TB, st *memory, c *clock) *keys.Manager {
	t.Helper()
	return &keys.Manager{
		Store: st, Sealer: openSealer(t, st), Timeline: timeline(), Algorithms: []string{keys.ES256},
		Generate: keys.Generate, Now: c.Now, Logger: slog.New(slog.DiscardHandler),
	}
}

func load(t testing.TB, m *keys.Manager) {
	t.Helper()
	if err := m.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func tick(t testing.TB, m *keys.Manager) {
	t.Helper()
	if err := m.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func signerOf(t testing.TB, m *keys.Manager, alg string) keys.Signer {
	t.Helper()
	s, err := m.Signer(alg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// statesAt sorts the keys of the store by their state at the moment.
func statesAt(t testing.TB, st store.SigningKeys, now time.Time) map[keys.State][]string {
	t.Helper()
	rows, err := st.SigningKeys(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	states := make(map[keys.State][]string)
	for _, k := range rows {
		s := keys.StateAt(k, now)
		states[s] = append(states[s], k.KID)
	}
	return states
}
