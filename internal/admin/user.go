package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"authserver/internal/passwords"
	"authserver/internal/store"
)

// User is a user as it is shown. It has no hash of the password.
type User struct {
	ID          string         `json:"id"` // the claim "sub"
	Username    string         `json:"username"`
	Email       string         `json:"email"` // "": none
	UPN         string         `json:"upn"`   // "": none
	Roles       []string       `json:"roles"`
	Permissions []string       `json:"permissions"`
	Claims      map[string]any `json:"claims"`
	Disabled    bool           `json:"disabled"`
	CreatedAt   time.Time      `json:"created_at"`
	UpdatedAt   time.Time      `json:"updated_at"`
}

// UserFields is what of a user may be chosen. A nil field leaves it as it is; an
// empty Email or UPN takes it away, an empty list empties it.
type UserFields struct {
	Username    *string
	Email       *string
	UPN         *string
	Password    *string
	Roles       []string
	Permissions []string
	Claims      map[string]any
	Disabled    *bool
}

// CreateUser adds a user, who has to have a username and a password. An
// [Invalid] says what to change; store.ErrExists where a name is taken.
func (a *Admin) CreateUser(ctx context.Context, by Call, f UserFields) (User, error) {
	switch {
	case f.Username == nil:
		return User{}, invalid("--username is required")
	case f.Password == nil:
		return User{}, invalid("a password is required: give it over standard input with --password-stdin")
	}
	id, err := uuid.NewRandomFromReader(a.Rand)
	if err != nil {
		return User{}, fmt.Errorf("make the user's id: %w", err)
	}
	u := store.User{ID: id.String()}
	if err := a.setUser(ctx, &u, f); err != nil {
		return User{}, err
	}
	now := store.At(a.Now())
	u.NotBefore, u.CreatedAt, u.UpdatedAt = a.now(), now, now
	if err := a.Store.CreateUser(ctx, u); err != nil {
		return User{}, explainUser(u.Username, err)
	}
	return viewUser(u), nil
}

// Users lists users in the order of their usernames.
func (a *Admin) Users(ctx context.Context, by Call, page Page) ([]User, error) {
	rows, err := a.Store.ListUsers(ctx, page)
	if err != nil {
		return nil, fmt.Errorf("list the users: %w", err)
	}
	views := make([]User, 0, len(rows))
	for _, u := range rows {
		views = append(views, viewUser(u))
	}
	return views, nil
}

// User returns the user with this id or username.
func (a *Admin) User(ctx context.Context, by Call, who string) (User, error) {
	u, err := a.findUser(ctx, who)
	if err != nil {
		return User{}, err
	}
	return viewUser(u), nil
}

// UpdateUser changes the fields given. Disabling a user and changing the password
// void the user's access tokens and refresh tokens with it. Its errors are those of
// CreateUser, store.ErrNotFound, and store.ErrConflict where somebody else was
// quicker.
func (a *Admin) UpdateUser(ctx context.Context, by Call, who string, f UserFields) (User, error) {
	u, err := a.findUser(ctx, who)
	if err != nil {
		return User{}, err
	}
	if err := a.setUser(ctx, &u, f); err != nil {
		return User{}, err
	}
	// Read after the password was hashed, which takes its time: whoever logs in
	// meanwhile logs in with the old one.
	now := store.At(a.Now())
	u.UpdatedAt = now
	var voids *store.Void
	if reason := voidReason(f); reason != "" {
		v := a.Revoker.User(&u, reason)
		voids = &v
	}
	if err := a.Store.UpdateUser(ctx, u, voids); err != nil {
		return User{}, explainUser(who, err)
	}
	return viewUser(u), nil
}

// DeleteUser removes a user with the refresh tokens and voids the access tokens.
func (a *Admin) DeleteUser(ctx context.Context, by Call, who string) error {
	u, err := a.findUser(ctx, who)
	if err != nil {
		return err
	}
	return explainUser(who, a.Store.DeleteUser(ctx, u.ID, a.Revoker.User(&u, "user_deleted")))
}

// voidReason is why a change voids the user's tokens, or "".
func voidReason(f UserFields) string {
	switch {
	case f.Disabled != nil && *f.Disabled:
		return "user_disabled"
	case f.Password != nil:
		return "password_changed"
	}
	return ""
}

func (a *Admin) findUser(ctx context.Context, who string) (store.User, error) {
	if _, err := uuid.Parse(who); err == nil {
		u, err := a.Store.User(ctx, who)
		if !errors.Is(err, store.ErrNotFound) {
			return u, explainUser(who, err)
		}
	}
	username, err := store.NormalizeName(who)
	if err != nil {
		return store.User{}, missing("user", who)
	}
	u, err := a.Store.UserByName(ctx, store.ByUsername, username)
	return u, explainUser(who, err)
}

func explainUser(who string, err error) error {
	if errors.Is(err, store.ErrNameTaken) {
		return fmt.Errorf("the id that was made for %q %w, a client's or an issuer's: try again, which makes another", who, store.ErrNameTaken)
	}
	if errors.Is(err, store.ErrExists) {
		return fmt.Errorf("a user with the username, email or upn of %q %w", who, store.ErrExists)
	}
	return explain("user", who, err)
}

// setUser takes over the fields given.
func (a *Admin) setUser(ctx context.Context, u *store.User, f UserFields) error {
	steps := []func() error{
		func() error { return setUserName("--username", &u.Username, f.Username) },
		func() error { return a.notAnID(ctx, *u, f.Username) },
		func() error { return setOptionalName("--email", &u.Email, f.Email) },
		func() error { return setOptionalName("--upn", &u.UPN, f.UPN) },
		func() error { return setIf(f.Roles, &u.Roles, wordsOf("--role")) },
		func() error { return setIf(f.Permissions, &u.Permissions, wordsOf("--permission")) },
		func() error { return setClaims(&u.Claims, f.Claims) },
		func() error { return a.setPassword(ctx, &u.PasswordHash, f.Password) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	if f.Disabled != nil {
		u.Disabled = *f.Disabled
	}
	return nil
}

func setUserName(flag string, to, name *string) error {
	if name == nil {
		return nil
	}
	normal, err := store.NormalizeName(*name)
	if err != nil {
		return invalid("%s: %w", flag, err)
	}
	*to = normal
	return nil
}

// notAnID refuses a username that is another user's id. Commands take either, and an issuer
// may name its subjects by the ids that tokens of this server have: both would mean the
// other user.
func (a *Admin) notAnID(ctx context.Context, u store.User, name *string) error {
	if name == nil {
		return nil
	}
	other, err := a.Store.User(ctx, u.Username)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && other.ID == u.ID:
		return nil
	case err != nil:
		return fmt.Errorf("look for a user with that id: %w", err)
	}
	return invalid("--username %s is another user's id: choose another name", u.Username)
}

func setOptionalName(flag string, to, name *string) error {
	if name != nil && *name == "" {
		*to = ""
		return nil
	}
	return setUserName(flag, to, name)
}

func (a *Admin) setPassword(ctx context.Context, to *[]byte, password *string) error {
	if password == nil {
		return nil
	}
	enforced, err := passwords.Enforce(*password)
	if err != nil {
		return &Invalid{err}
	}
	hash, err := a.Passwords.Hash(ctx, enforced)
	if err != nil {
		return fmt.Errorf("hash the password: %w", err)
	}
	*to = hash
	return nil
}

func viewUser(u store.User) User {
	return User{
		ID:          u.ID,
		Username:    u.Username,
		Email:       u.Email,
		UPN:         u.UPN,
		Roles:       listed(u.Roles),
		Permissions: listed(u.Permissions),
		Claims:      claimed(u.Claims),
		Disabled:    u.Disabled,
		CreatedAt:   u.CreatedAt,
		UpdatedAt:   u.UpdatedAt,
	}
}
