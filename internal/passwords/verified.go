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

// VerifiedCache remembers the results for secrets, so that a client that sends the same secret with
// every request costs bcrypt once, whether the secret is right or wrong. It is safe for concurrent
// use.
//
// An entry is for one pair of hash and secret. A changed secret has another hash, so nothing needs
// to be invalidated. The cache stores an HMAC under a key of this process, never the secret. Wrong
// secrets have a cache of their own, so that guesses push out no right secret.
type VerifiedCache struct {
	hasher  *Hasher
	key     [32]byte
	right   *lru.Cache[[sha256.Size]byte, struct{}]
	wrong   *lru.Cache[[sha256.Size]byte, struct{}]
	flights singleflight.Group

	mu      sync.Mutex
	guesses map[string]int // different secrets that are being compared, by hash
}

// maxGuesses is the number of different secrets that are compared with one hash at once. A client
// has one secret, or two during a rotation. An attacker has any number, and would delay the
// client's own requests.
const maxGuesses = 2

// NewVerifiedCache makes a cache in front of h, of at most size right secrets and as many
// wrong ones. The key comes from random.
func NewVerifiedCache(h *Hasher, size int, random io.Reader) (*VerifiedCache, error) {
	right, err := lru.New[[sha256.Size]byte, struct{}](size)
	if err != nil {
		return nil, fmt.Errorf("make a cache of %d verified secrets: %w", size, err)
	}
	wrong, err := lru.New[[sha256.Size]byte, struct{}](size)
	if err != nil {
		return nil, fmt.Errorf("make a cache of %d wrong secrets: %w", size, err)
	}
	c := &VerifiedCache{hasher: h, right: right, wrong: wrong}
	if _, err := io.ReadFull(random, c.key[:]); err != nil {
		return nil, fmt.Errorf("make the key of the cache of verified secrets: %w", err)
	}
	return c, nil
}

// VerifyAny reports whether one of the secrets has one of the hashes. There are several secrets if
// a request can be read in several ways, and several hashes during a rotation. All pairs are looked
// up before one is computed, so a cached right secret costs nothing. Concurrent requests with the
// same pair share one computation, which continues even if the first request ends. The errors are
// those of [Hasher.Verify].
func (c *VerifiedCache) VerifyAny(ctx context.Context, hashes [][]byte, secrets []string) (bool, error) {
	type pair struct {
		hash   []byte
		secret string
		entry  [sha256.Size]byte
	}
	var unknown []pair
	for _, hash := range hashes {
		for _, secret := range secrets {
			if checkSecret(secret) != nil || len(secret) > MaxSecretBytes {
				continue // no secret has this form
			}
			p := pair{hash, secret, c.entry(hash, secret)}
			if _, right := c.right.Get(p.entry); right {
				return true, nil
			}
			if _, wrong := c.wrong.Get(p.entry); !wrong {
				unknown = append(unknown, p)
			}
		}
	}
	for _, p := range unknown {
		if right, err := c.compute(ctx, p.entry, p.hash, p.secret); right || err != nil {
			return right, err
		}
	}
	return false, nil
}

// Knows reports whether the cache has one of the secrets as right for one of the hashes.
func (c *VerifiedCache) Knows(hashes [][]byte, secrets []string) bool {
	for _, hash := range hashes {
		for _, secret := range secrets {
			if _, right := c.right.Get(c.entry(hash, secret)); right {
				return true
			}
		}
	}
	return false
}

// compute compares a pair that is not cached.
func (c *VerifiedCache) compute(ctx context.Context, entry [sha256.Size]byte, hash []byte, secret string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("check a secret: %w", err)
	}
	flight := c.flights.DoChan(string(entry[:]), func() (any, error) {
		if c.right.Contains(entry) || c.wrong.Contains(entry) { // a computation ended after the look-up
			return c.right.Contains(entry), nil
		}
		if !c.begin(hash) {
			return false, ErrBusy
		}
		defer c.end(hash)
		right, err := c.hasher.Verify(context.WithoutCancel(ctx), hash, secret)
		switch {
		case err != nil:
		case right:
			c.right.Add(entry, struct{}{})
		default:
			c.wrong.Add(entry, struct{}{})
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

// entry identifies a pair of hash and secret. The length separates the two parts, so that two pairs
// never have the same text.
func (c *VerifiedCache) entry(hash []byte, secret string) (entry [sha256.Size]byte) {
	mac := hmac.New(sha256.New, c.key[:])
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(hash))))
	mac.Write(hash)
	mac.Write([]byte(secret))
	mac.Sum(entry[:0])
	return entry
}
