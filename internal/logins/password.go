package logins

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"authserver/internal/attempts"
	"authserver/internal/oauth"
	"authserver/internal/passwords"
	"authserver/internal/store"
)

// Password authenticates a person by username and password.
type Password struct {
	Users interface {
		UserByName(ctx context.Context, kind store.NameKind, name string) (store.User, error)
	}
	Verifier interface {
		Verify(ctx context.Context, hash []byte, password string) (bool, error)
	}
	Guard *attempts.Guard // counts failures; nil: they are not counted
}

// MethodPassword is the authentication method reference of a password (RFC 8176 §2).
const MethodPassword = "pwd"

// Attempt is one try of a person, or of an attacker.
type Attempt struct {
	Username, Password string
	From               attempts.Origin
	RequestID          string
}

// Account is the key by which attempts at a username are counted, whether or not a user has the
// name.
func Account(username string) [sha256.Size]byte {
	name, err := store.NormalizeName(username)
	return accountOf(username, name, err)
}

func accountOf(username, name string, malformed error) [sha256.Size]byte {
	if malformed != nil {
		return store.LoginAccount(username)
	}
	return store.LoginAccount(name)
}

// Authenticate takes the same time and gives the same answer for a user who is
// unknown, disabled, or whose password is wrong. A refusal comes with the user, if there
// is one, for the log. After too many failures it is an [attempts.ThrottledError], before the user
// is looked up.
func (p *Password) Authenticate(ctx context.Context, a Attempt) (store.User, error) {
	name, malformed := store.NormalizeName(a.Username)
	turn, err := p.Guard.Enter(ctx, accountOf(a.Username, name, malformed), a.From)
	if err != nil {
		return store.User{}, err
	}
	var user store.User
	reason := "user_unknown"
	if malformed == nil {
		user, err = p.Users.UserByName(ctx, store.ByUsername, name)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return store.User{}, fmt.Errorf("look up the user: %w", err)
		}
	}
	// A password that the profile refuses was never set. Enforce returns the empty string for it,
	// which takes the same time and matches no hash.
	enforced, _ := passwords.Enforce(a.Password)
	matched, err := p.Verifier.Verify(ctx, user.PasswordHash, enforced)
	if err != nil {
		return store.User{}, fmt.Errorf("compare the password: %w", err)
	}
	switch {
	case matched && !user.Disabled:
		turn.Passed(ctx)
		return user, nil
	case matched:
		reason = "user_disabled"
	case user.ID != "":
		reason = "password_wrong"
	}
	turn.Failed(ctx, attempts.Subject{UserID: user.ID, RequestID: a.RequestID})
	// A name without a user is not logged: it may be a password in the wrong field.
	return user, oauth.Fail(oauth.InvalidGrant, reason, "the username or the password is wrong")
}
