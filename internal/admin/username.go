package admin

import (
	"context"
	"errors"
	"fmt"

	"authserver/internal/store"
)

func (f *form) setUserName(field Field, to *string, name string) bool {
	normal, err := store.NormalizeName(name)
	if err != nil {
		f.fault(field, CodeInvalid, "%v", err)
		return false
	}
	*to = normal
	return true
}

// notAnID refuses a username that is another user's id. Commands accept either, and an issuer may
// name its subjects by the ids in tokens of this server: both would mean the other user.
func (us *Users) notAnID(ctx context.Context, f *form, u store.User) {
	other, err := us.Store.User(ctx, u.Username)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && other.ID == u.ID:
	case err != nil:
		f.fail("look for a user with that id: %w", err)
	default:
		f.fault("username", CodeExists, "%s is another user's id: choose another name", u.Username)
	}
}

// namesFree refuses a new name that another user has, and says which user. The store refuses it too, if
// the other user gets the name at the same moment.
func (us *Users) namesFree(ctx context.Context, before, u store.User) error {
	for _, name := range []struct {
		field       Field
		kind        store.NameKind
		before, now string
	}{
		{"username", store.ByUsername, before.Username, u.Username}, {"email", store.ByEmail, before.Email, u.Email}, {"upn", store.ByUPN, before.UPN, u.UPN},
	} {
		if name.now == name.before || name.now == "" {
			continue
		}
		other, err := us.Store.UserByName(ctx, name.kind, name.now)
		switch {
		case errors.Is(err, store.ErrNotFound) || err == nil && other.ID == u.ID:
		case err != nil:
			return fmt.Errorf("look for a user with the %s %q: %w", name.field, name.now, err)
		case name.kind == store.ByUsername:
			return explain("user", name.now, store.ErrExists)
		default:
			return failure(store.ErrExists, CodeExists, "%v: %q belongs to the user %s: choose another, or change that user with %v",
				name.field, name.now, other.Username, Operation{Noun: "user", Verb: "update", ID: other.Username})
		}
	}
	return nil
}

func setOptionalName(f *form, field Field, to, name *string) {
	switch {
	case name == nil:
	case *name == "":
		*to = ""
	default:
		f.setUserName(field, to, *name)
	}
}
