package keys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"authserver/internal/keys/sealing"
	"authserver/internal/store"
)

const (
	refreshPurpose = "refresh"
	secretKeySize  = 32 // bytes, for HMAC-SHA-256
)

// RefreshStore has the keys that authenticate refresh tokens.
type RefreshStore interface {
	store.SecretKeys
	// LastIdleExpiry returns the end of the last refresh token of a page of families: see
	// [store.FamilyAdmin].
	LastIdleExpiry(ctx context.Context, after store.Cursor, limit int) (last store.Moment, next store.Cursor, err error)
}

// RefreshKeys manages the keys that authenticate refresh tokens. Like signing keys they change by
// the clock. Every replica knows each key long before its turn, because any replica must accept a
// refresh token that another one makes. A key is valid until the last token that it made has
// expired. All methods are safe for concurrent use; At and ByID take no lock and make no query.
type RefreshKeys struct {
	Store  RefreshStore
	Sealer *sealing.Sealer
	Actor  store.Actor // the actor of the changes that the clock causes
	// Timeline returns the timeline that keeps the promises of every server: see
	// [Manager.Effective].
	Timeline func(ctx context.Context) (Timeline, error)
	Grace    time.Duration // how long after its exchange a client may send a refresh token again
	Now      func() time.Time
	Rand     io.Reader
	Logger   *slog.Logger

	reloading sync.Mutex // so that an older reading never replaces a newer one
	current   atomic.Pointer[[]refreshKey]
	passing   sync.Mutex
	pass      *pass // through the families, if one is in progress
}

// refreshKey is a row and its key.
type refreshKey struct {
	row store.SecretKey
	key []byte // 32 bytes
}

// Load makes the first key in a database that has none, and reads the keys. A key that cannot be
// opened is an error: without it the server would refuse valid refresh tokens.
func (r *RefreshKeys) Load(ctx context.Context) error {
	if err := r.Reload(ctx); err != nil {
		return err
	}
	if len(*r.current.Load()) > 0 {
		return nil
	}
	t, err := r.Timeline(ctx)
	if err != nil {
		return err
	}
	if err := r.make(ctx, t, nil); err != nil {
		return err
	}
	return r.Reload(ctx)
}

// Reload reads what this or another process has changed. If it fails, the keys stay as they are.
func (r *RefreshKeys) Reload(ctx context.Context) error {
	r.reloading.Lock()
	defer r.reloading.Unlock()
	rows, err := r.Store.SecretKeys(ctx, refreshPurpose)
	if err != nil {
		return fmt.Errorf("read the refresh token keys: %w", err)
	}
	keys := make([]refreshKey, 0, len(rows))
	for _, row := range rows {
		plain, err := r.Sealer.Open(row.Sealed, secretKeyAs(refreshPurpose, row.ID))
		if err != nil {
			return fmt.Errorf("refresh token key %d: %w", row.ID, err)
		}
		keys = append(keys, refreshKey{row, plain})
	}
	r.current.Store(&keys)
	return nil
}

// Tick reads the changes and does what is due. It makes the next key as soon as the one before is
// in use, and sets the end of a key that is no longer in use to the end of the last token that the
// key made. Call it every [Timeline.TickInterval].
func (r *RefreshKeys) Tick(ctx context.Context) error {
	if err := r.Reload(ctx); err != nil {
		return err
	}
	keys := *r.current.Load()
	next, over := awaited(keys, store.At(r.Now()))
	if !next && len(over) == 0 {
		return nil
	}
	t, err := r.Timeline(ctx)
	if err != nil {
		return err
	}
	if next {
		if err := r.make(ctx, t, keys); err != nil {
			return err
		}
	}
	if err := r.expire(ctx, t, keys, over); err != nil {
		return err
	}
	return r.Reload(ctx)
}

// awaited reports whether the last key is in use, so that the next one must be made, and returns
// the indexes of the keys that are no longer in use and have no end yet.
func awaited(keys []refreshKey, now store.Moment) (next bool, over []int) {
	for i, k := range keys {
		switch {
		case !reached(k.row.ActiveAt, now) && i > 0:
			return false, over
		case i > 0 && keys[i-1].row.RemovedAt.IsZero():
			over = append(over, i-1)
		}
	}
	return true, over
}

// make makes the next key. The first key is in use at once.
func (r *RefreshKeys) make(ctx context.Context, t Timeline, keys []refreshKey) error {
	now := store.At(r.Now())
	row := store.SecretKey{Purpose: refreshPurpose, ID: 1, CreatedAt: now, ActiveAt: now}
	if n := len(keys); n > 0 {
		last := keys[n-1].row
		row.ID = last.ID + 1
		row.ActiveAt = later(now.Add(t.propagation()), last.ActiveAt.Add(t.RotationInterval))
	}
	plain := make([]byte, secretKeySize)
	if _, err := io.ReadFull(r.Rand, plain); err != nil {
		return fmt.Errorf("make a refresh token key: %w", err)
	}
	var err error
	if row.Sealed, err = r.Sealer.Seal(plain, secretKeyAs(refreshPurpose, row.ID)); err != nil {
		return fmt.Errorf("make a refresh token key: %w", err)
	}
	err = within(ctx, t, func(ctx context.Context) error {
		return r.Store.CreateSecretKey(ctx, row, r.own(store.RefreshKeyPublished, now))
	})
	if errors.Is(err, store.ErrExists) {
		return nil // of several processes that do this at once, one makes it
	}
	if err != nil {
		return fmt.Errorf("keep a refresh token key: %w", err)
	}
	r.Logger.InfoContext(ctx, "refresh token key made", "id", row.ID, "active_at", row.ActiveAt)
	return nil
}

// Rotate lets the next key take over as soon as every replica knows of it: a replica that still
// used the key before would answer a retry with another token. Servers on the same database follow.
func (r *RefreshKeys) Rotate(ctx context.Context, by store.Change) error {
	t, err := r.Timeline(ctx)
	if err != nil {
		return err
	}
	keys, now := *r.current.Load(), store.At(r.Now())
	if len(keys) == 0 {
		return errors.New("there is no refresh token key yet: a server makes the first one when it starts")
	}
	last := keys[len(keys)-1].row
	if reached(last.ActiveAt, now) {
		return errors.New("the next refresh token key is not made yet: try again in a moment, while a server runs")
	}
	if at := now.Add(t.propagation()); at.Before(last.ActiveAt) {
		last.ActiveAt = at
		err := within(ctx, t, func(ctx context.Context) error { return r.Store.RescheduleSecretKey(ctx, last, by) })
		if err != nil {
			return fmt.Errorf("bring refresh token key %d forward: %w", last.ID, err)
		}
	}
	return r.Reload(ctx)
}

// ListedRefreshKey is a refresh token key in a listing. A moment that is not known yet is null.
type ListedRefreshKey struct {
	ID        uint32     `json:"id"`
	State     State      `json:"state"`
	CreatedAt time.Time  `json:"created_at"`
	ActiveAt  time.Time  `json:"active_at"`
	RetiredAt *time.Time `json:"retired_at"`
	RemovedAt *time.Time `json:"removed_at"`
}

// List returns the valid keys, in the order in which they are used.
func (r *RefreshKeys) List() []ListedRefreshKey {
	keys, now := *r.current.Load(), r.Now()
	listed := make([]ListedRefreshKey, 0, len(keys))
	for i, k := range keys {
		l := ListedRefreshKey{ID: k.row.ID, State: Active, CreatedAt: k.row.CreatedAt, ActiveAt: k.row.ActiveAt, RemovedAt: timeOrNil(k.row.RemovedAt)}
		if i+1 < len(keys) {
			l.RetiredAt = timeOrNil(keys[i+1].row.ActiveAt)
		}
		switch {
		case reached(k.row.RemovedAt, now):
			continue
		case l.RetiredAt != nil && reached(*l.RetiredAt, now):
			l.State = Retired
		case !reached(k.row.ActiveAt, now):
			l.State = Pending
		}
		listed = append(listed, l)
	}
	return listed
}

// At returns the key that makes the refresh tokens of a moment. It is the same for every replica,
// so that a retry gets the very same refresh token.
func (r *RefreshKeys) At(moment time.Time) (id uint32, key []byte, ok bool) {
	keys := r.current.Load()
	if keys == nil {
		return 0, nil, false
	}
	for i, k := range *keys {
		if i == 0 || reached(k.row.ActiveAt, moment) {
			id, key, ok = k.row.ID, k.key, true
		}
	}
	return id, key, ok
}

// ByID returns the key with this ID, if its refresh tokens are valid.
func (r *RefreshKeys) ByID(id uint32) ([]byte, bool) {
	keys := r.current.Load()
	if keys == nil {
		return nil, false
	}
	for _, k := range *keys {
		if k.row.ID == id && !reached(k.row.RemovedAt, r.Now()) {
			return k.key, true
		}
	}
	return nil, false
}

// own is a change that the clock causes.
func (r *RefreshKeys) own(what store.EventType, now store.Moment) store.Change {
	return store.Change{Actor: r.Actor, Event: what, At: now}
}

func secretKeyAs(purpose string, id uint32) string {
	return store.SealedAs("secret_keys", purpose+"/"+strconv.FormatUint(uint64(id), 10))
}
