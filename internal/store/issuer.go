package store

import (
	"context"
	"encoding/json"
	"time"

	"authserver/internal/oauth"
)

// SubjectKind says what the subject of an issuer's assertions is here.
type SubjectKind string

// What a subject may be.
const (
	SubjectUser   SubjectKind = "user"   // a user of this server
	SubjectClient SubjectKind = "client" // a client of this server
	SubjectAny    SubjectKind = "any"    // somebody whom only the issuer knows
)

// Issuer is somebody else whose assertions buy access tokens (RFC 7523 §2.1).
// Exactly one of JWKS, Certificates and SealedSecret holds its keys.
type Issuer struct {
	ID           string          // the claim "iss", compared byte by byte
	JWKS         json.RawMessage // a JWK Set of public keys (RFC 7517 §5)
	Certificates [][]byte        // DER; chosen by x5t or x5t#S256
	SealedSecret []byte          // a shared secret, sealed for SealedAs("issuers", ID)
	Algorithms   []string        // the "alg" values that it may use; never empty
	SubjectClaim string          // the claim that names the subject: "sub", "upn" or "email"
	SubjectKind  SubjectKind
	Scopes       oauth.Scope // what its assertions may ask for
	Resources    []string    // the first is the default
	ClientAuth   bool        // a client has to authenticate beside the assertion
	ClientID     string      // "client_id" of tokens where no client authenticated; "": ID
	MaxLifetime  time.Duration
	AllowRepeat  bool // an assertion without "jti" may be used again
	Disabled     bool
	Version      int64
	CreatedAt    Moment
	UpdatedAt    Moment
}

// SealedAs names a row as associated data, so that a sealed value opens only
// where it was put.
func SealedAs(table, id string) string { return table + "/" + id }

// Issuers reads trusted issuers.
type Issuers interface {
	// Issuer returns the issuer with this identifier, or ErrNotFound.
	Issuer(ctx context.Context, id string) (Issuer, error)
}

// IssuerAdmin changes trusted issuers. Every change tells the watchers of
// TopicIssuers.
type IssuerAdmin interface {
	// ListIssuers returns issuers in the order of their identifiers.
	ListIssuers(ctx context.Context, page Page) ([]Issuer, error)
	// CreateIssuer adds an issuer, or returns ErrExists.
	CreateIssuer(ctx context.Context, i Issuer) error
	// UpdateIssuer replaces the issuer whose ID and Version are i's and counts the
	// version up. ErrNotFound or ErrConflict.
	UpdateIssuer(ctx context.Context, i Issuer) error
	// DeleteIssuer removes an issuer. ErrNotFound where there is none.
	DeleteIssuer(ctx context.Context, id string) error
}
