package passwords

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Bounds on the cost of bcrypt. One step up doubles the time: cost 12 takes about 200 ms, and the
// highest cost takes about 4 s. Costs under 10 are for tests.
const (
	MinCost = bcrypt.MinCost
	MaxCost = 16
)

// Options configure a Hasher.
type Options struct {
	Cost    int           // of new hashes, MinCost to MaxCost
	Workers int           // computations at once
	Wait    time.Duration // the longest wait for a worker
	Rand    io.Reader
}

// ErrBusy says that the wait for a worker took too long. Nothing was computed: the caller may try
// again in a moment.
var ErrBusy = errors.New("too many passwords are being checked at once: try again in a moment, or raise password-workers")

// Hasher computes bcrypt, a bounded number of times at once. It is safe for
// concurrent use.
type Hasher struct {
	cost  int
	dummy []byte        // a hash of no secret, at the cost of new hashes
	slots chan struct{} // has one entry for each running computation
	wait  time.Duration
	rand  io.Reader
}

// New makes a Hasher. Its errors name the setting at fault.
func New(o Options) (*Hasher, error) {
	switch {
	case o.Cost < MinCost || o.Cost > MaxCost:
		return nil, fmt.Errorf("bcrypt-cost is %d: set it to a number from %d to %d, such as 12", o.Cost, MinCost, MaxCost)
	case o.Workers < 1:
		return nil, fmt.Errorf("the number of password workers is %d: it must be at least 1", o.Workers)
	case o.Wait <= 0:
		return nil, fmt.Errorf("the wait for a password worker is %s: it must be positive", o.Wait)
	}
	dummy, err := dummyHash(o.Rand, o.Cost)
	if err != nil {
		return nil, err
	}
	return &Hasher{cost: o.Cost, dummy: dummy, slots: make(chan struct{}, o.Workers), wait: o.Wait, rand: o.Rand}, nil
}

// Hash returns the hash of a password that [Policy.Check] returned, or of a client secret that an
// administrator brought: a bcrypt hash, after the mark of the pre-hash if the secret has more than
// 72 bytes. Its errors are a secret that cannot be hashed, [ErrBusy], and that of ctx.
func (h *Hasher) Hash(ctx context.Context, secret string) ([]byte, error) {
	if err := checkSecret(secret); err != nil {
		return nil, err
	}
	if err := h.enter(ctx); err != nil {
		return nil, err
	}
	defer h.leave()
	mark, digest, err := prehash(h.rand, secret)
	if err != nil {
		return nil, err
	}
	hash, err := bcrypt.GenerateFromPassword(digest, h.cost)
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	return append(mark, hash...), nil
}

// Verify reports whether stored is a hash of the secret. If there is no valid hash (nil, for a user
// who does not exist), or [Hasher.Hash] would refuse the secret, it takes the same time with a
// dummy and reports false, so that a caller cannot distinguish these cases. Its errors are
// [ErrBusy] and that of ctx. A computation that has begun always ends.
func (h *Hasher) Verify(ctx context.Context, stored []byte, secret string) (bool, error) {
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer h.leave()
	hash, digest, ok := presented(stored, secret)
	if !ok || checkSecret(secret) != nil {
		h.compareDummy()
		return false, nil
	}
	// A hash with a huge cost would occupy a worker for hours.
	if cost, err := bcrypt.Cost(hash); err != nil || cost > MaxCost {
		h.compareDummy()
		return false, nil
	}
	err := bcrypt.CompareHashAndPassword(hash, digest)
	if err != nil && !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		h.compareDummy() // the salt is malformed, and nothing was computed
	}
	return err == nil, nil
}

// enter takes a slot, which the caller gives back with leave when its computation has ended, not
// when its client disconnects: the processor is busy until then. The gates of the requests bound
// the number that waits.
func (h *Hasher) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("check a password: %w", err)
	}
	timeout := time.NewTimer(h.wait)
	defer timeout.Stop()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-timeout.C:
		return ErrBusy
	case <-ctx.Done():
		return fmt.Errorf("wait for a password worker: %w", ctx.Err())
	}
}

func (h *Hasher) leave() { <-h.slots }

// InFlight returns the number of running computations.
func (h *Hasher) InFlight() int { return len(h.slots) }

// compareDummy takes the time of a comparison.
func (h *Hasher) compareDummy() {
	_ = bcrypt.CompareHashAndPassword(h.dummy, []byte("no secret")) // only its time matters
}

// dummyHash makes a well-formed hash of no known secret, without the time that
// computing one takes.
func dummyHash(random io.Reader, cost int) ([]byte, error) {
	const alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	const saltBytes, digestBytes = 16, 23
	raw := make([]byte, saltBytes+digestBytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		return nil, fmt.Errorf("make a dummy password hash: %w", err)
	}
	encoding := base64.NewEncoding(alphabet).WithPadding(base64.NoPadding)
	salt, digest := encoding.EncodeToString(raw[:saltBytes]), encoding.EncodeToString(raw[saltBytes:])
	return fmt.Appendf(nil, "$2a$%02d$%s%s", cost, salt, digest), nil
}
