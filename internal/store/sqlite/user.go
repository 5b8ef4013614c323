package sqlite

import (
	"context"
	"fmt"

	"authserver/internal/events"
	"authserver/internal/store"
)

// Every column except the hash, which a rotation does not need; the alias is u.
const userColumnNames = "u.id, u.username, u.email, u.upn, u.document, u.disabled, u.not_before, u.version, u.created_at, u.updated_at"

const selectUsers = "SELECT " + userColumnNames + ", u.password_hash FROM users u"

func userColumns(u *store.User) []any {
	return []any{
		&u.ID, &u.Username, text{&u.Email}, text{&u.UPN}, kept{"users", &u.ID, u}, &u.Disabled, moment{&u.NotBefore}, &u.Version,
		moment{&u.CreatedAt}, moment{&u.UpdatedAt},
	}
}

func userAndHash(u *store.User) []any { return append(userColumns(u), &u.PasswordHash) }

// userValues are the parameters 1 to 9 of an insert or update.
func userValues(u store.User) []any {
	hash := u.PasswordHash
	if hash == nil {
		hash = []byte{}
	}
	return []any{
		u.ID, u.Username, orNull(u.Email), orNull(u.UPN), keeping{u}, u.Disabled, micros(u.NotBefore), hash, micros(u.UpdatedAt),
	}
}

// User returns the user with this id, or ErrNotFound.
func (d *DB) User(ctx context.Context, id string) (store.User, error) {
	return one(ctx, d, "read a user", userAndHash, selectUsers+" WHERE u.id = ?", id)
}

// UserByName returns the user of that name, or ErrNotFound.
func (d *DB) UserByName(ctx context.Context, kind store.NameKind, name string) (store.User, error) {
	const doing = "read a user by name"
	switch kind {
	case store.ByUsername:
		return one(ctx, d, doing, userAndHash, selectUsers+" WHERE u.username = ?", name)
	case store.ByEmail:
		return one(ctx, d, doing, userAndHash, selectUsers+" WHERE u.email = ?", name)
	case store.ByUPN:
		return one(ctx, d, doing, userAndHash, selectUsers+" WHERE u.upn = ?", name)
	}
	return store.User{}, fmt.Errorf("%s: users have no name of the kind %q", doing, kind)
}

// ListUsers returns users in the order of their usernames.
func (d *DB) ListUsers(ctx context.Context, p store.Page) ([]store.User, error) {
	return listing[store.User]{"list users", userAndHash, selectUsers, "u.username", []string{"u.username", "u.email", "u.upn", "u.id"}}.page(ctx, d, p)
}

// CreateUser adds a user: ErrExists if the id or one of the names is taken.
func (d *DB) CreateUser(ctx context.Context, u store.User, by store.Change) error {
	if u.NotBefore.IsZero() {
		u.NotBefore = u.CreatedAt
	}
	return d.changeBy(ctx, "create a user", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		_, err := tx.exec(ctx, `INSERT INTO users (id, username, email, upn, document, disabled, not_before, password_hash, updated_at,
				created_at, version)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1)`,
			append(userValues(u), micros(u.CreatedAt))...)
		if err != nil {
			return store.Event{}, err
		}
		_, err = tx.exec(ctx, `UPDATE users SET not_before = v.before
			FROM (SELECT max(voids_before) AS before FROM revocations WHERE kind IN ('user', 'client') AND value = ?1) v
			WHERE id = ?1 AND not_before < v.before`, u.ID)
		if err != nil {
			return store.Event{}, err
		}
		return events.User(by, nil, &u)
	})
}

// UpdateUser replaces the user whose ID and Version are u's: ErrNotFound, ErrConflict, or ErrExists
// if a name is taken.
func (d *DB) UpdateUser(ctx context.Context, u store.User, by store.Change) error {
	return d.changeBy(ctx, "update a user", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		before, err := read(ctx, tx, userAndHash, selectUsers+" WHERE u.id = ?", u.ID)
		if err != nil {
			return store.Event{}, err
		}
		if before.Version != u.Version {
			return store.Event{}, store.ErrConflict
		}
		_, err = tx.exec(ctx, `UPDATE users SET username = ?2, email = ?3, upn = ?4, document = ?5, disabled = ?6,
				not_before = ?7, password_hash = ?8, updated_at = ?9, version = version + 1
			WHERE id = ?1`, userValues(u)...)
		if err != nil {
			return store.Event{}, err
		}
		if err := revoke(ctx, tx, by.Voids); err != nil {
			return store.Event{}, err
		}
		if err := deliver(ctx, tx, by, everyClient, livingSessions+" AND user_not_before < ?3", u.ID, micros(before.NotBefore), micros(u.NotBefore)); err != nil {
			return store.Event{}, err
		}
		return events.User(by, before, &u)
	})
}

// DeleteUser removes the user and the user's families: ErrNotFound if there is none.
func (d *DB) DeleteUser(ctx context.Context, id string, by store.Change) error {
	return d.changeBy(ctx, "delete a user", by, func(ctx context.Context, tx *transaction) (store.Event, error) {
		before, err := read(ctx, tx, userAndHash, selectUsers+" WHERE u.id = ?", id)
		if err != nil {
			return store.Event{}, err
		}
		if err := deliver(ctx, tx, by, everyClient, livingSessions, id, micros(before.NotBefore)); err != nil {
			return store.Event{}, err
		}
		_, err = revokeDeleted(ctx, tx, by.Voids, tx.row(ctx, "DELETE FROM users WHERE id = ? RETURNING not_before", id))
		if err != nil {
			return store.Event{}, err
		}
		return events.User(by, before, nil)
	})
}
