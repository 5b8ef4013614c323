package store

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
)

// CacheOptions bounds a [Cache].
type CacheOptions struct {
	// Size bounds the rows, and separately the names without a row, so that a flood of junk names
	// cannot push out the rows.
	Size int
	// TTL is how old a row may be without a notification of a change.
	TTL time.Duration
	// AbsentTTL is the same for a name without a row, so that junk names do not reach the database
	// each time.
	AbsentTTL time.Duration
	// Stale is how old a row may be while the database is unavailable.
	Stale time.Duration
	// MaxWait is how long a caller waits for the database if there is a row that is
	// older than its TTL but not yet stale: a database that answers slowly, or not at
	// all, must not slow down requests of known clients.
	MaxWait time.Duration
	Now     func() time.Time
}

// Cache holds rows of one noun by their identity in front of a store. If several callers ask for a
// row that is not cached, one of them asks the store. A row that was read before [Cache.Purge] is
// never cached after it.
type Cache[V any] struct {
	load    func(ctx context.Context, id string) (V, error)
	options CacheOptions
	flight  singleflight.Group

	mu     sync.Mutex // orders puts with purges
	epoch  uint64     // counts purges
	rows   *lru.Cache[string, *cached[V]]
	absent *lru.Cache[string, *cached[V]]
}

type cached[V any] struct {
	value  V
	err    error // nil or ErrNotFound
	readAt time.Time
}

// NewCache makes a cache in front of load.
func NewCache[V any](load func(ctx context.Context, id string) (V, error), options CacheOptions) (*Cache[V], error) {
	rows, err := lru.New[string, *cached[V]](options.Size)
	if err != nil {
		return nil, err
	}
	absent, err := lru.New[string, *cached[V]](options.Size)
	if err != nil {
		return nil, err
	}
	return &Cache[V]{load: load, options: options, rows: rows, absent: absent}, nil
}

// Get returns the row, or [ErrNotFound], or what the store failed with. The result is shared: the
// caller must not change it.
func (c *Cache[V]) Get(ctx context.Context, id string) (V, error) {
	row, fresh, held := c.look(id)
	if fresh {
		return row.value, row.err
	}
	if !held {
		return c.fetch(ctx, id)
	}
	patient, cancel := context.WithTimeout(ctx, c.options.MaxWait)
	defer cancel()
	value, err := c.fetch(patient, id)
	if errors.Is(err, ErrUnavailable) {
		return row.value, row.err
	}
	return value, err
}

// look finds a cached row: fresh if it is younger than its TTL, held if it may be used while the
// database is unavailable.
func (c *Cache[V]) look(id string) (row *cached[V], fresh, held bool) {
	row, held = c.rows.Get(id)
	ttl := c.options.TTL
	if !held {
		row, held = c.absent.Get(id)
		ttl = c.options.AbsentTTL
	}
	now := c.options.Now()
	if !held {
		return nil, false, false
	}
	age := now.Sub(row.readAt)
	return row, age < ttl, age < c.options.Stale
}

// Purge forgets every row, because one of them has changed.
func (c *Cache[V]) Purge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	c.rows.Purge()
	c.absent.Purge()
}

// fetch asks the store for all callers that ask for this row now. The query does not end with the
// request of the first caller, because the others would then fail too.
func (c *Cache[V]) fetch(ctx context.Context, id string) (V, error) {
	type answer struct {
		value V
		err   error
	}
	c.mu.Lock()
	epoch := c.epoch
	c.mu.Unlock()
	// The epoch is part of the flight's name: a caller after a purge must not get the result of a
	// query that began before it.
	done := c.flight.DoChan(strconv.FormatUint(epoch, 10)+"/"+id, func() (any, error) {
		// A flight that ended between look and here has cached the row.
		if row, fresh, _ := c.look(id); fresh {
			return answer{row.value, row.err}, nil
		}
		now := c.options.Now()
		value, err := c.load(context.WithoutCancel(ctx), id)
		switch {
		case err == nil:
			c.put(epoch, c.rows, id, &cached[V]{value: value, readAt: now})
		case errors.Is(err, ErrNotFound):
			c.put(epoch, c.absent, id, &cached[V]{err: ErrNotFound, readAt: now})
		}
		return answer{value, err}, nil
	})
	select {
	case r := <-done:
		a := r.Val.(answer)
		return a.value, a.err
	case <-ctx.Done():
		var none V
		return none, errors.Join(ErrUnavailable, ctx.Err())
	}
}

func (c *Cache[V]) put(epoch uint64, rows *lru.Cache[string, *cached[V]], id string, row *cached[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch == epoch {
		rows.Add(strings.Clone(id), row) // it may be a part of a header that also contains a secret
	}
}
