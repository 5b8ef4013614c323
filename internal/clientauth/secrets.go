package clientauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"time"

	"authserver/internal/assertions"
	"authserver/internal/store"
)

// Secrets compares a secret with those of a client.
type Secrets struct {
	// Slow compares secrets that an administrator brought, which may be guessable,
	// with their bcrypt hash.
	Slow interface {
		Verify(ctx context.Context, hash []byte, secret string) (bool, error)
	}
	// Opener unseals those that are kept as keys, for client_secret_jwt.
	Opener assertions.Opener
}

// maxSecret bounds a secret that is presented, in bytes.
const maxSecret = 1024

// match reports whether the secret is one of the client's that has not expired.
// Secrets of 256 random bits need no slow hash; they are compared first, so that
// the others are hashed only where they may decide.
func (s Secrets) match(ctx context.Context, client store.Client, secret string, now time.Time) (bool, error) {
	if secret == "" || len(secret) > maxSecret {
		return false, nil
	}
	sum := sha256.Sum256([]byte(secret))
	for _, known := range client.Secrets {
		if known.Kind == store.SecretSHA256 && known.Live(now) && subtle.ConstantTimeCompare(known.Hash, sum[:]) == 1 {
			return true, nil
		}
	}
	for _, known := range client.Secrets {
		if known.Kind != store.SecretSealed || !known.Live(now) {
			continue
		}
		clear, err := s.Opener.Open(known.Hash, store.SealedAs("clients", client.ID+"/"+known.ID))
		if err != nil {
			return false, fmt.Errorf("unseal secret %s of client %s: %w", known.ID, client.ID, err)
		}
		if subtle.ConstantTimeCompare(clear, []byte(secret)) == 1 {
			return true, nil
		}
	}
	for _, known := range client.Secrets {
		if known.Kind != store.SecretBcrypt || !known.Live(now) {
			continue
		}
		if matched, err := s.Slow.Verify(ctx, known.Hash, secret); matched || err != nil {
			return matched, err
		}
	}
	return false, nil
}
