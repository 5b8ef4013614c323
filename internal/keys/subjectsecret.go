package keys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"authserver/internal/keys/sealing"
	"authserver/internal/store"
)

const subjectPurpose = "subject"

// SubjectSecret is the secret for pairwise subjects (OpenID Connect Core §8.1). It stays the same
// for the whole life of the database: with another one, clients would not recognise their users. So
// it never rotates, and a change of the master key only reseals it.
type SubjectSecret struct {
	Store  store.SecretKeys
	Sealer *sealing.Sealer
	Actor  store.Actor // the actor of the event
	Now    func() time.Time
	Rand   io.Reader

	value atomic.Pointer[[]byte]
}

// Load makes the secret in a database that has none, and reads it.
func (s *SubjectSecret) Load(ctx context.Context) error {
	if err := s.Reload(ctx); err != nil || s.value.Load() != nil {
		return err
	}
	now := store.At(s.Now())
	row := store.SecretKey{Purpose: subjectPurpose, ID: 1, CreatedAt: now, ActiveAt: now}
	plain := make([]byte, secretKeySize)
	if _, err := io.ReadFull(s.Rand, plain); err != nil {
		return fmt.Errorf("make the secret of pairwise subjects: %w", err)
	}
	var err error
	if row.Sealed, err = s.Sealer.Seal(plain, secretKeyAs(subjectPurpose, row.ID)); err != nil {
		return fmt.Errorf("make the secret of pairwise subjects: %w", err)
	}
	err = s.Store.CreateSecretKey(ctx, row, store.Change{Actor: s.Actor, Event: store.SubjectSecretCreated, At: now})
	if err != nil && !errors.Is(err, store.ErrExists) { // of several processes that do this at once, one makes it
		return fmt.Errorf("keep the secret of pairwise subjects: %w", err)
	}
	return s.Reload(ctx)
}

// Reload reads the secret, if there is one.
func (s *SubjectSecret) Reload(ctx context.Context) error {
	rows, err := s.Store.SecretKeys(ctx, subjectPurpose)
	if err != nil {
		return fmt.Errorf("read the secret of pairwise subjects: %w", err)
	}
	if len(rows) == 0 {
		return nil
	}
	plain, err := s.Sealer.Open(rows[0].Sealed, secretKeyAs(subjectPurpose, rows[0].ID))
	if err != nil {
		return fmt.Errorf("the secret of pairwise subjects: %w", err)
	}
	s.value.Store(&plain)
	return nil
}

// Get returns the secret, 32 bytes.
func (s *SubjectSecret) Get() ([]byte, error) {
	if value := s.value.Load(); value != nil {
		return *value, nil
	}
	return nil, errors.New("the secret of pairwise subjects is not loaded")
}
