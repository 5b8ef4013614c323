package logins

import (
	"context"
	"errors"
	"fmt"

	"authserver/internal/oauth"
	"authserver/internal/passwords"
	"authserver/internal/store"
)

// Password proves a person by username and password.
type Password struct {
	Users interface {
		UserByName(ctx context.Context, kind store.NameKind, name string) (store.User, error)
	}
	Verifier interface {
		Verify(ctx context.Context, hash []byte, password string) (bool, error)
	}
}

// MethodPassword is the authentication method reference of a password (RFC 8176 §2).
const MethodPassword = "pwd"

// Authenticate takes the same time and gives the same answer for a user who is
// unknown, disabled, or whose password is wrong. A refusal comes with the user, if there
// is one, for the log.
func (p *Password) Authenticate(ctx context.Context, username, password string) (store.User, error) {
	var user store.User
	reason := "user_unknown"
	name, err := store.NormalizeName(username)
	if err == nil {
		user, err = p.Users.UserByName(ctx, store.ByUsername, name)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return store.User{}, fmt.Errorf("look up the user: %w", err)
		}
	}
	// A password that the profile refuses was never set; what Enforce returns for
	// it, the empty string, costs its time and matches nothing.
	enforced, _ := passwords.Enforce(password)
	matched, err := p.Verifier.Verify(ctx, user.PasswordHash, enforced)
	if err != nil {
		return store.User{}, fmt.Errorf("compare the password: %w", err)
	}
	switch {
	case matched && !user.Disabled:
		return user, nil
	case matched:
		reason = "user_disabled"
	case user.ID != "":
		reason = "password_wrong"
	}
	// A name that no user has is left out: it may be a password in the wrong field.
	return user, oauth.Fail(oauth.InvalidGrant, reason, "the username or the password is wrong")
}
