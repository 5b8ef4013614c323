package sqlite

import "context"

// SubjectTaken reports whether a client or a user has this identifier.
func (d *DB) SubjectTaken(ctx context.Context, id string) (bool, error) {
	return one(ctx, d, "look for a name", func(taken *bool) []any { return []any{taken} },
		"SELECT EXISTS (SELECT 1 FROM clients WHERE id = ?1) OR EXISTS (SELECT 1 FROM users WHERE id = ?1)", id)
}
