package store

import "errors"

// What a caller may decide upon. Engines wrap them (errors.Is), and every other
// error is a fault to be reported and not to be acted on.
var (
	// ErrNotFound says that no such row exists.
	ErrNotFound = errors.New("not found")
	// ErrExists says that a row with this identity exists already.
	ErrExists = errors.New("exists already")
	// ErrNameTaken says that another noun has the identity, which stands in tokens: a
	// client, a user, or an issuer whose tokens go under its own name.
	ErrNameTaken = errors.New("is another's name")
	// ErrConflict says that the row was changed since it was read: read it again.
	ErrConflict = errors.New("changed meanwhile")
	// ErrUnavailable says that the database could not be reached or did not answer
	// in time, so that nothing is known; the caller may try again.
	ErrUnavailable = errors.New("the database is unavailable")
	// ErrNotDone says beside another error that nothing was changed. Without it a change
	// may have been made, and its acknowledgement lost.
	ErrNotDone = errors.New("nothing was changed")
)
