package store

import "context"

// SecretKey is a symmetric key of the server, such as the one that authenticates refresh tokens, or
// the secret of pairwise subjects, which never changes. It makes tokens from ActiveAt until the
// next ID does, and verifies them until RemovedAt.
type SecretKey struct {
	Purpose   string // "refresh" or "subject"
	ID        uint32 // counts up from 1 within a purpose
	Sealed    []byte // sealed for SealedAs("secret_keys", Purpose+"/"+ID)
	CreatedAt Moment
	ActiveAt  Moment
	RemovedAt Moment // zero until the last token that it made is known
}

// SecretKeys stores symmetric keys. Every change notifies the watchers of TopicKeys.
type SecretKeys interface {
	// SecretKeys returns the keys of a purpose, lowest ID first.
	SecretKeys(ctx context.Context, purpose string) ([]SecretKey, error)
	// CreateSecretKey adds a key, or returns ErrExists.
	CreateSecretKey(ctx context.Context, k SecretKey, by Change) error
	// RescheduleSecretKey sets ActiveAt and RemovedAt, or returns ErrNotFound.
	RescheduleSecretKey(ctx context.Context, k SecretKey, by Change) error
}

// DataKey is the key under which rows are sealed, itself sealed under a master
// key. While everything is moved to another master key there are two rows for it.
type DataKey struct {
	ID        uint32 // counts up from 1
	MasterID  string // names the master key without revealing it
	Sealed    []byte
	CreatedAt Moment
}

// DataKeys stores data keys. Every change notifies the watchers of TopicKeys.
type DataKeys interface {
	// DataKeys returns all data keys, lowest ID and then MasterID first.
	DataKeys(ctx context.Context) ([]DataKey, error)
	// CreateDataKeys adds all data keys, or none with ErrExists.
	CreateDataKeys(ctx context.Context, keys []DataKey, by Change) error
	// DeleteDataKeys removes the rows with the ID and MasterID of these, if they exist.
	DeleteDataKeys(ctx context.Context, keys []DataKey, by Change) error
}

// SealedValue is a sealed value with its place. The ID of a client's secret, in the table
// "clients", is the client's ID, "/" and the secret's.
type SealedValue struct {
	Table, ID string // SealedAs(Table, ID) is what it is sealed for
	Sealed    []byte
}

// SealedValues reads and replaces the values that are sealed under data keys, in all tables.
type SealedValues interface {
	// SealedValues returns all of them.
	SealedValues(ctx context.Context) ([]SealedValue, error)
	// ReplaceSealed replaces v.Sealed by with. ErrConflict if the row has another value by now, and
	// ErrNotFound if the row was deleted.
	ReplaceSealed(ctx context.Context, v SealedValue, with []byte, by Change) error
}
