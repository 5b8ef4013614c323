package store

import "errors"

// The errors that a caller may act on. Engines wrap them (errors.Is). Every other error is a fault
// to report.
var (
	// ErrNotFound says that no such row exists.
	ErrNotFound = errors.New("not found")
	// ErrExists says that a row with this identity exists already.
	ErrExists = errors.New("exists already")
	// ErrNameTaken says that another noun has this name in tokens: a client, a user, or an issuer
	// whose tokens have its own name.
	ErrNameTaken = errors.New("is another's name")
	// ErrConflict says that the row was changed since it was read: read it again.
	ErrConflict = errors.New("changed meanwhile")
	// ErrUnavailable says that the database could not be reached or did not answer
	// in time, so that nothing is known; the caller may try again.
	ErrUnavailable = errors.New("the database is unavailable")
	// ErrNotDone, joined to another error, means that nothing was changed. Without it the change
	// may have been made, and its acknowledgement lost.
	ErrNotDone = errors.New("nothing was changed")
)
