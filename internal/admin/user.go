package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"authserver/internal/passwords"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// User is a user, for display. It has no hash of the password.
type User struct {
	ID          string         `json:"id"` // the claim "sub"
	Username    string         `json:"username"`
	Email       string         `json:"email"` // "": none
	UPN         string         `json:"upn"`   // "": none
	Roles       []string       `json:"roles"`
	Permissions []string       `json:"permissions"`
	Claims      map[string]any `json:"claims"`
	store.UserProfile
	Disabled  bool      `json:"disabled"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// UserInput has the fields of a user that the administrator chooses. A nil field keeps the value;
// an empty Email or UPN removes it, and an empty list clears it.
type UserInput struct {
	Username    *string        `field:"username"`
	Email       *string        `field:"email"`
	UPN         *string        `field:"upn"`
	Password    *string        `field:"password"`
	Roles       []string       `field:"roles"`
	Permissions []string       `field:"permissions"`
	Claims      map[string]any `field:"claims"`
	UserProfileInput
	Disabled *bool `field:"disabled"`
}

// Users has the operations on users.
type Users struct {
	*Common
	UserFinder
	Rows     store.UserAdmin
	Attempts interface {
		Unlock(ctx context.Context, userID, username string, by store.Change) error
	}
	Passwords Hasher
	Policy    passwords.Policy // of new passwords
	Revoker   *tokens.Revoker
}

// Create adds a user, with a username and a password. An error is [Faults], or store.ErrExists if a
// name is taken.
func (us *Users) Create(ctx context.Context, by Call, in UserInput) (User, error) {
	id, err := uuid.NewRandomFromReader(us.Rand)
	if err != nil {
		return User{}, fmt.Errorf("make the user's id: %w", err)
	}
	u := store.User{ID: id.String()}
	var f form
	if in.Username == nil {
		f.fault("username", CodeRequired, "it is required")
	}
	if in.Password == nil {
		f.fault("password", CodeRequired, "it is required")
	}
	if err := us.setUser(ctx, &f, &u, in); err != nil {
		return User{}, err
	}
	now := store.At(us.Now())
	u.NotBefore, u.CreatedAt, u.UpdatedAt = us.now(), now, now
	if err := us.Rows.CreateUser(ctx, u, by.change(store.UserCreated, us.Now())); err != nil {
		return User{}, explainUser(u.Username, err)
	}
	return viewUser(u), nil
}

// List lists users in the order of their usernames.
func (us *Users) List(ctx context.Context, by Call, page Page) ([]User, error) {
	rows, err := us.Rows.ListUsers(ctx, page)
	if err != nil {
		return nil, fmt.Errorf("list the users: %w", err)
	}
	views := make([]User, 0, len(rows))
	for _, u := range rows {
		views = append(views, viewUser(u))
	}
	return views, nil
}

// Get returns the user with this id, username, email address or UPN. If several users have it, each
// as another kind of name, [Faults] name them.
func (us *Users) Get(ctx context.Context, by Call, who string) (User, error) {
	u, err := us.find(ctx, who)
	if err != nil {
		return User{}, err
	}
	return viewUser(u), nil
}

// Update changes the fields given. Disabling a user or changing the password revokes the user's
// access tokens and refresh tokens. Its errors are those of Create, store.ErrNotFound, and
// store.ErrConflict if another change came first.
func (us *Users) Update(ctx context.Context, by Call, who string, in UserInput) (User, error) {
	u, err := us.find(ctx, who)
	if err != nil {
		return User{}, err
	}
	if err := us.setUser(ctx, &form{}, &u, in); err != nil {
		return User{}, err
	}
	// Read after the password was hashed, which takes time: a login meanwhile uses the
	// old password.
	now := store.At(us.Now())
	u.UpdatedAt = now
	change := by.change(store.UserUpdated, now)
	if reason := voidReason(in); reason != "" {
		change.Voids = us.Revoker.User(&u, reason)
	}
	if err := us.Rows.UpdateUser(ctx, u, change); err != nil {
		return User{}, explainUser(who, err)
	}
	return viewUser(u), nil
}

// Unlock resets the counters of a user's failed logins, so that the user does not wait.
func (us *Users) Unlock(ctx context.Context, by Call, who string) (User, error) {
	u, err := us.find(ctx, who)
	if err != nil {
		return User{}, err
	}
	if err := us.Attempts.Unlock(ctx, u.ID, u.Username, by.change(store.UserUnlocked, us.Now())); err != nil {
		return User{}, fmt.Errorf("unlock the user: %w", err)
	}
	return viewUser(u), nil
}

// Delete removes a user with the refresh tokens, and revokes the access tokens.
func (us *Users) Delete(ctx context.Context, by Call, who string) error {
	u, err := us.find(ctx, who)
	if err != nil {
		return err
	}
	return explainUser(who, us.Rows.DeleteUser(ctx, u.ID, by.change(store.UserDeleted, us.Now()).Voiding(us.Revoker.User(&u, store.EndedByUserDeleted))))
}

// voidReason is the reason for which a change revokes the user's tokens, or "".
func voidReason(in UserInput) string {
	switch {
	case in.Disabled != nil && *in.Disabled:
		return store.EndedByUserDisabled
	case in.Password != nil:
		return store.EndedByNewPassword
	}
	return ""
}

// Named returns the user with this username.
func (us *Users) Named(ctx context.Context, by Call, username string) (User, error) {
	name, err := store.NormalizeName(username)
	if err != nil {
		return User{}, missing("user", username)
	}
	u, err := us.Store.UserByName(ctx, store.ByUsername, name)
	if err != nil {
		return User{}, explainUser(username, err)
	}
	return viewUser(u), nil
}

func explainUser(who string, err error) error {
	if errors.Is(err, store.ErrNameTaken) {
		return failure(err, CodeExists, "the id that was made for %q %v, a client's or an issuer's: try again, which makes another", who, store.ErrNameTaken)
	}
	if errors.Is(err, store.ErrExists) {
		return failure(err, CodeExists, "a user with this username, e-mail address or UPN %v: try again, which names the user", store.ErrExists)
	}
	return explain("user", who, err)
}

// setUser sets the given fields. It hashes the password, which takes time, only if there is no
// fault.
func (us *Users) setUser(ctx context.Context, f *form, u *store.User, in UserInput) error {
	before := *u
	if in.Username != nil && f.setUserName("username", &u.Username, *in.Username) {
		us.notAnID(ctx, f, *u)
	}
	setOptionalName(f, "email", &u.Email, in.Email)
	setOptionalName(f, "upn", &u.UPN, in.UPN)
	f.setWords("roles", &u.Roles, in.Roles)
	f.setWords("permissions", &u.Permissions, in.Permissions)
	f.setClaims(&u.Claims, in.Claims)
	setProfile(f, u, before, in.UserProfileInput)
	set(&u.Disabled, in.Disabled)
	enforced := ""
	if in.Password != nil {
		var err error
		enforced, err = us.Policy.Check(*in.Password, u.Username, u.Email, u.UPN)
		var refused *passwords.PolicyError
		switch {
		case errors.As(err, &refused):
			f.fault("password", passwordCode(refused.Reason), "%v", refused)
		case err != nil:
			f.fail("check the password: %w", err)
		}
	}
	if err := f.result(); err != nil {
		return err
	}
	if err := us.namesFree(ctx, before, *u); err != nil || in.Password == nil {
		return err
	}
	hash, err := us.Passwords.Hash(ctx, enforced)
	if err != nil {
		return fmt.Errorf("hash the password: %w", err)
	}
	u.PasswordHash = hash
	return nil
}

// passwordCode is the code of a fault for a password that was refused.
func passwordCode(r passwords.Reason) Code {
	switch r {
	case passwords.TooShort:
		return CodeTooShort
	case passwords.TooLong:
		return CodeTooLong
	}
	return CodeInvalid
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
		UserProfile: u.Profile,
		Disabled:    u.Disabled,
		CreatedAt:   u.CreatedAt,
		UpdatedAt:   u.UpdatedAt,
	}
}
