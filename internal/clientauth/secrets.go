package clientauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"time"

	"authserver/internal/store"
	"authserver/internal/trust/assertions"
)

// Secrets compares a presented secret with those of a client.
type Secrets struct {
	// Slow compares a secret that an administrator chose, and that may be guessable,
	// with its bcrypt hash.
	Slow interface {
		// Knows reports whether a secret was compared before and was right.
		Knows(hashes [][]byte, secrets []string) bool
		VerifyAny(ctx context.Context, hashes [][]byte, secrets []string) (bool, error)
	}
	// Opener unseals the secrets for client_secret_jwt.
	Opener assertions.Opener
}

// maxSecret bounds a secret that is presented, in bytes.
const maxSecret = 1024

// match reports whether a presented secret, in one of its readings, is one of the client's that has
// not expired. Secrets of 256 random bits need no slow hash. They are compared first, so that the
// server computes the slow hash only if it can still decide. They cannot be guessed, so a correct
// one never waits for the failures of other callers.
func (s Secrets) match(ctx context.Context, client store.Client, presented Credentials, now time.Time) (Outcome, error) {
	readings := slices.DeleteFunc(slices.Clone(presented.Secrets), func(r string) bool { return r == "" || len(r) > maxSecret })
	var slow [][]byte
	for _, known := range client.Secrets {
		if !known.Live(now) {
			continue
		}
		right := false
		switch known.Kind {
		case store.SecretSHA256:
			right = slices.ContainsFunc(readings, func(r string) bool {
				sum := sha256.Sum256([]byte(r))
				return subtle.ConstantTimeCompare(known.Hash, sum[:]) == 1
			})
		case store.SecretSealed:
			clear, err := s.Opener.Open(known.Hash, store.SealedAs("clients", client.ID+"/"+known.ID))
			if err != nil {
				return Outcome{}, fmt.Errorf("unseal secret %s of client %s: %w", known.ID, client.ID, err)
			}
			right = slices.ContainsFunc(readings, func(r string) bool { return subtle.ConstantTimeCompare(clear, []byte(r)) == 1 })
		case store.SecretBcrypt:
			slow = append(slow, known.Hash)
		}
		if right {
			return Outcome{Good: true, Strong: true}, nil
		}
	}
	if len(slow) == 0 {
		return Outcome{}, nil
	}
	if s.Slow.Knows(slow, readings) {
		return Outcome{Good: true}, nil
	}
	if !presented.MayGuess {
		return Outcome{Guess: true}, nil
	}
	right, err := s.Slow.VerifyAny(ctx, slow, readings)
	return Outcome{Good: right}, err
}
