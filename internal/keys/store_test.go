package keys_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"authserver/internal/keys"
	"authserver/internal/keys/sealing"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/testkit"
)

// memory stores keys according to the contract of package store, for tests with thousands of steps
// and for rows that tests tamper with.
type memory struct {
	mu         sync.Mutex
	down       bool
	signing    []store.SigningKey
	secret     []store.SecretKey
	data       storetest.DataKeyTable
	version    int64 // of the key plan
	lifetimes  []store.Lifetimes
	idle       []store.Moment // of each family, in the order of their IDs
	resources  []string       // the algorithms of resources
	encryption []string       // the encryption algorithms of issuers
	writes     int
	events     []store.Event
}

func (m *memory) lock() (unlock func(), err error) {
	m.mu.Lock()
	if m.down {
		m.mu.Unlock()
		return nil, store.ErrUnavailable
	}
	return m.mu.Unlock, nil
}

func (m *memory) KeyPlan(_ context.Context, now store.Moment) (store.KeyPlan, error) {
	unlock, err := m.lock()
	if err != nil {
		return store.KeyPlan{}, err
	}
	defer unlock()
	plan := store.KeyPlan{Version: m.version, Lifetimes: slices.Clone(m.lifetimes)}
	for _, k := range m.signing {
		if k.RemovedAt.IsZero() || now.Before(k.RemovedAt) {
			k.Sealed = bytes.Clone(k.Sealed)
			plan.Keys = append(plan.Keys, k)
		}
	}
	slices.SortStableFunc(plan.Keys, func(a, b store.SigningKey) int { return a.ActiveAt.Compare(b.ActiveAt) })
	return plan, nil
}

// by is the operator of the tests.
func by() store.Change { return storetest.By() }

func (m *memory) RecordEvent(_ context.Context, e store.Event) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if e.Once == "" || !slices.ContainsFunc(m.events, func(other store.Event) bool { return other.Once == e.Once }) {
		m.events = append(m.events, e)
	}
	return nil
}

func (m *memory) SigningAlgs(context.Context) ([]string, error) {
	unlock, err := m.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	return slices.Clone(m.resources), nil
}

func (m *memory) EncryptionAlgs(context.Context) ([]string, error) {
	unlock, err := m.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	return slices.Clone(m.encryption), nil
}

func (m *memory) find(kid string) *store.SigningKey {
	i := slices.IndexFunc(m.signing, func(k store.SigningKey) bool { return k.KID == kid })
	if i < 0 {
		return nil
	}
	return &m.signing[i]
}

func (m *memory) ChangeKeyPlan(_ context.Context, change store.KeyPlanChange, by store.Change) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if change.Version != m.version {
		return store.ErrConflict
	}
	after := &memory{signing: slices.Clone(m.signing)}
	for _, k := range change.Update {
		there := after.find(k.KID)
		if there == nil {
			return store.ErrNotFound
		}
		k.Alg, k.PublicJWK, k.Sealed, k.LastUsedAt = there.Alg, there.PublicJWK, there.Sealed, there.LastUsedAt
		*there = k
		if after.taken(k) {
			return store.ErrExists
		}
	}
	for _, k := range change.Add {
		if after.find(k.KID) != nil || after.taken(k) {
			return store.ErrExists
		}
		after.signing = append(after.signing, k)
	}
	m.signing = after.signing
	m.version++
	m.writes++
	return nil
}

// taken reports whether another key has the predecessor of this one.
func (m *memory) taken(k store.SigningKey) bool {
	return !k.PassedOver() && slices.ContainsFunc(m.signing, func(other store.SigningKey) bool {
		return !other.PassedOver() && other.KID != k.KID && other.Alg == k.Alg && other.Predecessor == k.Predecessor
	})
}

func (m *memory) PromiseLifetimes(_ context.Context, l store.Lifetimes, now store.Moment) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	for i, other := range m.lifetimes {
		if other.Server != l.Server {
			continue
		}
		m.lifetimes[i] = l
		until := other.KeptUntil
		if other.KeptUntil = l.KeptUntil; other != l || !until.After(now) {
			m.version++
		}
		return nil
	}
	m.lifetimes = append(m.lifetimes, l)
	m.version++
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

func (m *memory) CreateSecretKey(_ context.Context, k store.SecretKey, by store.Change) error {
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

func (m *memory) DataKeys(ctx context.Context) ([]store.DataKey, error) {
	unlock, err := m.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	return m.data.DataKeys(ctx)
}

func (m *memory) CreateDataKeys(ctx context.Context, keys []store.DataKey, by store.Change) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return m.data.CreateDataKeys(ctx, keys, by)
}

func (m *memory) DeleteDataKeys(ctx context.Context, keys []store.DataKey, by store.Change) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return m.data.DeleteDataKeys(ctx, keys, by)
}

func (m *memory) RescheduleSecretKey(_ context.Context, k store.SecretKey, by store.Change) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	for i, other := range m.secret {
		if other.Purpose == k.Purpose && other.ID == k.ID {
			m.secret[i].ActiveAt, m.secret[i].RemovedAt = k.ActiveAt, k.RemovedAt
			return nil
		}
	}
	return store.ErrNotFound
}

func (m *memory) LastIdleExpiry(_ context.Context, after store.Cursor, limit int) (last store.Moment, next store.Cursor, err error) {
	unlock, err := m.lock()
	if err != nil {
		return store.Moment{}, after, err
	}
	defer unlock()
	from := 0
	if after != "" {
		if from, err = strconv.Atoi(string(after)); err != nil {
			return store.Moment{}, after, err
		}
	}
	end := min(from+limit, len(m.idle))
	for _, idle := range m.idle[from:end] {
		if idle.After(last) {
			last = idle
		}
	}
	if end < from+limit {
		return last, "", nil
	}
	return last, store.Cursor(strconv.Itoa(end)), nil
}

// clock is the clock of the test.
type clock struct{ *testkit.Clock }

func newClock() *clock { return &clock{testkit.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))} }

func (c *clock) advance(d time.Duration) { c.Advance(d) }

// The timeline of most tests: Lead is 6 minutes, in 4 of which a verifier may use its JWKS, fresh
// and then stale. Lag is 16 minutes.
func timeline() keys.Timeline {
	return keys.Timeline{
		RotationInterval: 24 * time.Hour, JWKSMaxAge: 4*time.Minute - 21*time.Second, PollInterval: time.Minute,
		ClockSkew: time.Minute, MaxTokenTTL: 15 * time.Minute,
	}
}

// masterKey is the master key of most tests.
func masterKey() sealing.Master { return aMaster([32]byte{1}) }

func aMaster(key [32]byte) sealing.Master {
	m, err := sealing.MasterFrom(key)
	if err != nil {
		panic(err)
	}
	return m
}

func openSealer(t testing.TB, st store.DataKeys) *sealing.Sealer {
	t.Helper()
	s, err := sealing.Open(t.Context(), sealerOptions(t, st, masterKey()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sealerOptions(t testing.TB, st store.DataKeys, m sealing.Master) sealing.Options {
	t.Helper()
	return sealing.Options{Store: st, Keeper: m.Keeper(), MasterID: m.ID(), Actor: by().Actor, Now: newClock().Now, Rand: rand.Reader}
}

var servers atomic.Int64

// newServer returns a name for another run of a server.
func newServer() string { return fmt.Sprintf("-%d", servers.Add(1)) }

// newManager returns a manager over the store that has only ES256, because its keys are made in
// microseconds.
func newManager(t testing.TB, st *memory, c *clock) *keys.Manager {
	t.Helper()
	return &keys.Manager{
		Store: st, Server: t.Name() + newServer(), Actor: by().Actor, Sealer: openSealer(t, st), Timeline: timeline(), Algorithms: []string{keys.ES256},
		Source: keys.Software{}, Now: c.Now, Logger: slog.New(slog.DiscardHandler),
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

// statesAt returns the keys of the store by their state at the moment.
func statesAt(t testing.TB, st store.SigningKeys, now time.Time) map[keys.State][]string {
	t.Helper()
	plan, err := st.KeyPlan(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	states := make(map[keys.State][]string)
	for _, k := range plan.Keys {
		s := keys.StateAt(k, now)
		states[s] = append(states[s], k.KID)
	}
	return states
}
