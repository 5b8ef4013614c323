package store

import "context"

// SecretKey is a symmetric key of the server's own, such as the one that
// authenticates refresh tokens.
type SecretKey struct {
	Purpose   string // "refresh"
	ID        uint32 // counts up from 1 within a purpose
	Sealed    []byte // sealed for SealedAs("secret_keys", Purpose+"/"+ID)
	CreatedAt Moment
}

// SecretKeys keeps symmetric keys. Every change tells the watchers of TopicKeys.
type SecretKeys interface {
	// SecretKeys returns the keys of a purpose, lowest ID first.
	SecretKeys(ctx context.Context, purpose string) ([]SecretKey, error)
	// CreateSecretKey adds a key, or returns ErrExists.
	CreateSecretKey(ctx context.Context, k SecretKey) error
}

// DataKey is the key under which rows are sealed, itself sealed under the master
// key.
type DataKey struct {
	ID        uint32 // counts up from 1
	MasterID  string // names the master key without telling it
	Sealed    []byte
	CreatedAt Moment
}

// DataKeys keeps data keys.
type DataKeys interface {
	// DataKeys returns all data keys, lowest ID first.
	DataKeys(ctx context.Context) ([]DataKey, error)
	// CreateDataKey adds a data key, or returns ErrExists.
	CreateDataKey(ctx context.Context, k DataKey) error
}
