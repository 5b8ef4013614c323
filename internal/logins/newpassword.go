package logins

import (
	"context"
	"errors"
	"fmt"

	"authserver/internal/passwords"
	"authserver/internal/store"
)

// NewPassword makes the stored form of a password that a person chose.
type NewPassword struct {
	Policy passwords.Policy
	Hasher interface {
		Hash(ctx context.Context, password string) ([]byte, error)
	}
}

// Hash returns the hash of a new password for a user, or the rule that it breaks.
func (n NewPassword) Hash(ctx context.Context, password string, u store.User) (hash []byte, broken passwords.Reason, err error) {
	enforced, err := n.Policy.Check(password, u.Username, u.Email, u.UPN)
	if refused := (*passwords.PolicyError)(nil); errors.As(err, &refused) {
		return nil, refused.Reason, nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("check a new password: %w", err)
	}
	hash, err = n.Hasher.Hash(ctx, enforced)
	return hash, "", err
}
