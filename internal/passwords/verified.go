package passwords

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
)

// VerifiedCache remembers which secrets were right, so that a client that sends
// the same one with every request costs bcrypt once. It is safe for concurrent
// use.
//
// An entry is good for one pair of hash and secret. A secret that was changed has
// another hash, so that nothing needs to be invalidated. What is kept is an HMAC
// under a key of this process alone, never the secret. Wrong secrets are not
// remembered: a guess always costs bcrypt.
type VerifiedCache struct {
	hasher   *Hasher
	key      [32]byte
	verified *lru.Cache[[sha256.Size]byte, struct{}]
	flights  singleflight.Group

	mu      sync.Mutex
	guesses map[string]int // different secrets that are being compared, by hash
}

// maxGuesses is how many different secrets are compared with one hash at once. A
// client has one, or two while it is rotated; who guesses has any number, and would
// keep the client's own requests waiting behind them.
const maxGuesses = 2

// NewVerifiedCache makes a cache of at most size entries in front of h. The key
// comes from random.
func NewVerifiedCache(h *Hasher, size int, random io.Reader) (*VerifiedCache, error) {
	verified, err := lru.New[[sha256.Size]byte, struct{}](size)
	if err != nil {
		return nil, fmt.Errorf("make a cache of %d verified secrets: %w", size, err)
	}
	c := &VerifiedCache{hasher: h, verified: verified}
	if _, err := io.ReadFull(random, c.key[:]); err != nil {
		return nil, fmt.Errorf("make the key of the cache of verified secrets: %w", err)
	}
	return c, nil
}

// Verify is [Hasher.Verify], faster for a secret that was right before. Requests
// that bring the same secret at once share one computation, which outlives the
// request that began it.
func (c *VerifiedCache) Verify(ctx context.Context, hash []byte, secret string) (bool, error) {
	entry := c.entry(hash, secret)
	if _, known := c.verified.Get(entry); known {
		return true, nil
	}
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("check a secret: %w", err)
	}
	flight := c.flights.DoChan(string(entry[:]), func() (any, error) {
		if c.verified.Contains(entry) {
			return true, nil // a computation ended after we looked
		}
		if !c.begin(hash) {
			return false, ErrBusy
		}
		defer c.end(hash)
		right, err := c.hasher.Verify(context.WithoutCancel(ctx), hash, secret)
		if right {
			c.verified.Add(entry, struct{}{})
		}
		return right, err
	})
	select {
	case result := <-flight:
		right, _ := result.Val.(bool)
		return right, result.Err
	case <-ctx.Done():
		return false, fmt.Errorf("wait for a secret to be checked: %w", ctx.Err())
	}
}

func (c *VerifiedCache) begin(hash []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.guesses[string(hash)] == maxGuesses {
		return false
	}
	if c.guesses == nil {
		c.guesses = make(map[string]int)
	}
	c.guesses[string(hash)]++
	return true
}

func (c *VerifiedCache) end(hash []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.guesses[string(hash)]--; c.guesses[string(hash)] == 0 {
		delete(c.guesses, string(hash))
	}
}

// entry names a pair of hash and secret. The length keeps apart pairs that read
// the same when put together.
func (c *VerifiedCache) entry(hash []byte, secret string) (entry [sha256.Size]byte) {
	mac := hmac.New(sha256.New, c.key[:])
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(hash))))
	mac.Write(hash)
	mac.Write([]byte(secret))
	mac.Sum(entry[:0])
	return entry
}
