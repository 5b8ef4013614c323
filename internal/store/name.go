package store

import "context"

// Names reports which names belong to a user, client or issuer of this server in the claims "sub"
// and "client_id" of tokens (RFC 9068 §5). The engine keeps each for one noun: creating a client, a
// user, or an issuer without a ClientID, and removing an issuer's ClientID, return ErrNameTaken if
// another noun has the name, also under concurrent changes.
type Names interface {
	// SubjectTaken reports whether a client or a user has this identifier.
	SubjectTaken(ctx context.Context, id string) (bool, error)
}
