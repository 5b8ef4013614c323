package store

import (
	"context"
	"fmt"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// User is a resource owner with a password at this server.
type User struct {
	ID           string         `json:"-"` // a UUID that never changes; the claim "sub"
	Username     string         `json:"-"` // normalised (NormalizeName); unique
	Email        string         `json:"-"` // as NormalizeName leaves it; unique, or empty
	UPN          string         `json:"-"` // user principal name, as NormalizeName leaves it; unique, or empty
	PasswordHash []byte         `json:"-"` // bcrypt
	Roles        []string       `json:"roles,omitempty"`
	Permissions  []string       `json:"permissions,omitempty"`
	Claims       map[string]any `json:"claims,omitempty"` // custom claims of the user's tokens
	Profile      UserProfile    `json:"profile,omitzero"`
	Disabled     bool           `json:"-"`
	// NotBefore moves on, by a millisecond at least, whenever every token and family of this user
	// is revoked. Each of them stores the NotBefore under which it was issued.
	NotBefore Moment `json:"-"`
	Version   int64  `json:"-"`
	CreatedAt Moment `json:"-"`
	UpdatedAt Moment `json:"-"`
}

// MaxNameLength bounds usernames, email addresses and principal names, in bytes.
const MaxNameLength = 320

// NormalizeName returns the form in which usernames, email addresses and user principal names are
// stored and compared: the PRECIS profile UsernameCaseMapped (RFC 8265 §3.3).
func NormalizeName(name string) (string, error) {
	return normalize(precis.UsernameCaseMapped, name)
}

// NormalizePattern is NormalizeName for a pattern of names. The Bidi Rule (RFC 5893) does not apply
// to a part of a name, so it is not checked for a pattern.
func NormalizePattern(pattern string) (string, error) {
	return normalize(precis.NewIdentifier(precis.FoldWidth, precis.LowerCase(), precis.Norm(norm.NFC)), pattern)
}

func normalize(profile *precis.Profile, name string) (string, error) {
	if name == "" {
		return "", fmt.Errorf("a name must not be empty")
	}
	if len(name) > MaxNameLength {
		return "", fmt.Errorf("a name must not be longer than %d bytes", MaxNameLength)
	}
	normal, err := profile.String(name)
	if err != nil {
		return "", fmt.Errorf("a name holds characters that RFC 8265 does not allow, such as a space: %w", err)
	}
	return normal, nil
}

// NameKind is the kind of name by which a user is looked up.
type NameKind string

// The names by which a user is found.
const (
	ByUsername NameKind = "username"
	ByEmail    NameKind = "email"
	ByUPN      NameKind = "upn"
)

// Users reads users.
type Users interface {
	// User returns the user with this id, or ErrNotFound.
	User(ctx context.Context, id string) (User, error)
	// UserByName returns the user of that name, which is normal already, or ErrNotFound. It also
	// returns disabled users: the caller refuses them.
	UserByName(ctx context.Context, kind NameKind, name string) (User, error)
}

// UserAdmin changes users. Every change tells the watchers of TopicUsers.
type UserAdmin interface {
	// ListUsers returns users in the order of their usernames (Page.After is one).
	ListUsers(ctx context.Context, page Page) ([]User, error)
	// CreateUser adds a user. ErrExists if the id or one of the names is taken, ErrNameTaken if the
	// id is the name of another noun. NotBefore is as in CreateClient.
	CreateUser(ctx context.Context, u User, by Change) error
	// UpdateUser replaces the user whose ID and Version are u's and increments the version.
	// ErrNotFound, ErrConflict, or ErrExists if a name is taken. The clients of a session that
	// by.Voids ends get a [Delivery] each.
	UpdateUser(ctx context.Context, u User, by Change) error
	// DeleteUser removes the user with the families. The change has to revoke the access tokens, as
	// with DeleteClient. ErrNotFound if there is none. The clients of the user's sessions get a
	// [Delivery] each.
	DeleteUser(ctx context.Context, id string, by Change) error
}
