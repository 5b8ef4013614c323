package admin

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"authserver/internal/store"
)

// UserFinder finds a user by id, username, email address or UPN.
type UserFinder struct{ Store store.Users }

func (f UserFinder) find(ctx context.Context, who string) (store.User, error) {
	if _, err := uuid.Parse(who); err == nil {
		u, err := f.Store.User(ctx, who)
		if !errors.Is(err, store.ErrNotFound) {
			return u, explainUser(who, err)
		}
	}
	name, err := store.NormalizeName(who)
	if err != nil {
		return store.User{}, missing("user", who)
	}
	var found []store.User
	for _, kind := range []store.NameKind{store.ByUsername, store.ByEmail, store.ByUPN} {
		u, err := f.Store.UserByName(ctx, kind, name)
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return store.User{}, explainUser(who, err)
		case !slices.ContainsFunc(found, func(other store.User) bool { return other.ID == u.ID }):
			found = append(found, u)
		}
	}
	switch len(found) {
	case 0:
		return store.User{}, missing("user", who)
	case 1:
		return found[0], nil
	}
	ids := make([]string, 0, len(found))
	for _, u := range found {
		ids = append(ids, u.ID+" ("+u.Username+")")
	}
	return store.User{}, Faults{newFault("user", CodeConflict, "%q names several users, by username, email or UPN: give the id of one: %s", who, strings.Join(ids, ", "))}
}
