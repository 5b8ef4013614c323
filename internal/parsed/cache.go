package parsed

import (
	"crypto/sha256"
	"fmt"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
)

// size is how many values a cache keeps, those that were used last: as many as rows of each
// noun are cached.
const size = 10_000

// Cache keeps what a function makes of bytes. The zero value is an empty one. It may be
// used concurrently, and so must be what it keeps.
type Cache[V any] struct {
	once sync.Once
	kept *lru.Cache[[sha256.Size]byte, V]
	err  error
}

// Get returns what parse makes of data. It calls parse where the value is not kept: for
// data that is new, and for data that cannot be parsed. Each cache has one such function.
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
