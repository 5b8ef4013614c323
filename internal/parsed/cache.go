package parsed

import (
	"crypto/sha256"
	"fmt"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
)

// size is the number of values in a cache, as many as rows of one noun are cached. The least
// recently used value goes first.
const size = 10_000

// Cache keeps the results of one parsing function. The zero value is an empty cache. It may be
// used concurrently, and so may the values that it returns.
type Cache[V any] struct {
	once sync.Once
	kept *lru.Cache[[sha256.Size]byte, V]
	err  error
}

// Get returns the result of parse for data. It calls parse if the cache does not have the
// result. Errors are not kept. Every call for one cache passes the same function.
func (c *Cache[V]) Get(data []byte, parse func([]byte) (V, error)) (V, error) {
	c.once.Do(func() { c.kept, c.err = lru.New[[sha256.Size]byte, V](size) })
	if c.err != nil {
		return *new(V), fmt.Errorf("keep what was parsed: %w", c.err)
	}
	name := sha256.Sum256(data)
	if value, ok := c.kept.Get(name); ok {
		return value, nil
	}
	value, err := parse(data)
	if err != nil {
		return *new(V), err
	}
	c.kept.Add(name, value)
	return value, nil
}
