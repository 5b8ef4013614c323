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
	SubjectUser      SubjectKind = "user"      // a user of this server
	SubjectClient    SubjectKind = "client"    // a client of this server
	SubjectFederated SubjectKind = "federated" // somebody whom only the issuer knows and whom its Patterns let in
	SubjectAny       SubjectKind = "any"       // somebody whom only the issuer knows
)

// ClaimPattern lets in the assertions in which each of these claims, by name or by
// JSON Pointer, matches its glob.
type ClaimPattern map[string]string

// Issuer is somebody else whose assertions buy access tokens (RFC 7523 §2.1).
// Exactly one of JWKS, JWKSURI, Discovery, Certificates and SealedSecret is where
// its keys are. A claim is named by its name, or by a JSON Pointer (RFC 6901),
// which begins with "/".
type Issuer struct {
	ID             string          // names the registration
	Iss            string          // the claim "iss", compared byte by byte; "", which is never read: ID. Several may have the same
	JWKS           json.RawMessage // a JWK Set of public keys (RFC 7517 §5)
	JWKSURI        string          // https URL that its key set is fetched from
	Discovery      bool            // the key set's URL is read from the issuer's metadata
	Certificates   [][]byte        // DER; chosen by x5t or x5t#S256
	CACertificates [][]byte        // DER; each of Certificates has to chain to one; nil: they are trusted as they are; never empty
	SealedSecret   []byte          // a shared secret, sealed for SealedAs("issuers", ID)
	Algorithms     []string        // the "alg" values that it may use; never empty
	EncryptionAlg  string          // "alg" (JWE) of assertions, which have to be encrypted to this server; "": they are signed only
	SubjectClaim   string          // the claim that names the subject
	SubjectKind    SubjectKind
	Audiences      []string          // further names under which its assertions may address this server
	RequiredClaims []string          // claims that have to be there
	Patterns       []ClaimPattern    // one has to match; nil: every assertion is let in
	ClaimMapping   map[string]string // claim of the issued token to the claim of the assertion that it is taken from
	Scopes         oauth.Scope       // what its assertions may ask for
	Resources      []string          // the first is the default
	ClientAuth     bool              // a client has to authenticate beside the assertion
	ClientID       string            // "client_id" of tokens where no client authenticated; "": ID
	MaxLifetime    time.Duration
	ClockSkew      time.Duration // 0: the server's
	AllowRepeat    bool          // its assertions may be used again
	Disabled       bool
	Version        int64
	CreatedAt      Moment
	UpdatedAt      Moment
}

// SealedAs names a row: as associated data, so that a sealed value opens only where it
// was put, and as the one whose assertions are good once.
func SealedAs(table, id string) string { return table + "/" + id }

// Issuers reads trusted issuers.
type Issuers interface {
	// IssuersOf returns the registrations with this claim "iss" in the order of their IDs,
	// or ErrNotFound where there is none.
	IssuersOf(ctx context.Context, iss string) ([]Issuer, error)
}

// IssuerAdmin changes trusted issuers. Every change tells the watchers of
// TopicIssuers.
type IssuerAdmin interface {
	// Issuer returns the registration with this ID, or ErrNotFound.
	Issuer(ctx context.Context, id string) (Issuer, error)
	// ListIssuers returns issuers in the order of their identifiers.
	ListIssuers(ctx context.Context, page Page) ([]Issuer, error)
	// EncryptionAlgs returns the EncryptionAlg values of issuers that are not "", each
	// once and sorted.
	EncryptionAlgs(ctx context.Context) ([]string, error)
	// CreateIssuer adds an issuer, or returns ErrExists or ErrNameTaken.
	CreateIssuer(ctx context.Context, i Issuer) error
	// UpdateIssuer replaces the issuer whose ID and Version are i's, but for its Iss, and
	// counts the version up. ErrNotFound, ErrConflict or ErrNameTaken.
	UpdateIssuer(ctx context.Context, i Issuer) error
	// DeleteIssuer removes an issuer. ErrNotFound where there is none.
	DeleteIssuer(ctx context.Context, id string) error
}
