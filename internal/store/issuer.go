package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"authserver/internal/oauth"
)

// SubjectKind is the kind of the subjects of an issuer's assertions.
type SubjectKind string

// The kinds of subjects.
const (
	SubjectUser      SubjectKind = "user"      // a user of this server
	SubjectClient    SubjectKind = "client"    // a client of this server
	SubjectFederated SubjectKind = "federated" // a subject that only the issuer knows, and that its Patterns allow
	SubjectAny       SubjectKind = "any"       // a subject that only the issuer knows
)

// ClaimPattern allows assertions in which each of these claims, by name or by JSON Pointer, matches
// its glob.
type ClaimPattern map[string]string

// Issuer is a foreign issuer whose assertions are exchanged for access tokens (RFC 7523 §2.1).
// Exactly one of JWKS, JWKSURI, Discovery, Certificates and SealedSecret has its keys. A claim is
// named by its name, or by a JSON Pointer (RFC 6901), which begins with "/".
type Issuer struct {
	ID             string            `json:"-"`                        // names the registration
	Iss            string            `json:"-"`                        // the claim "iss", compared byte by byte; "", which is never read: ID. Several may have the same
	JWKS           json.RawMessage   `json:"jwks,omitempty"`           // a JWK Set of public keys (RFC 7517 §5)
	JWKSURI        string            `json:"jwks_uri,omitempty"`       // https URL that its key set is fetched from
	Discovery      bool              `json:"discovery,omitempty"`      // the key set's URL is read from the issuer's metadata
	Certificates   [][]byte          `json:"certificates,omitzero"`    // DER; chosen by x5t or x5t#S256
	CACertificates [][]byte          `json:"ca_certificates,omitzero"` // DER; each of Certificates has to chain to one; nil: they are trusted as they are; never empty
	SealedSecret   []byte            `json:"-"`                        // a shared secret, sealed for SealedAs("issuers", ID)
	Algorithms     []string          `json:"algorithms,omitempty"`     // the "alg" values that it may use; never empty
	EncryptionAlg  string            `json:"encryption_alg,omitempty"` // "alg" (JWE) of assertions, which have to be encrypted to this server; "": they are signed only
	SubjectClaim   string            `json:"subject_claim"`            // the claim that names the subject
	SubjectKind    SubjectKind       `json:"subject_kind"`
	Audiences      []string          `json:"audiences,omitempty"`       // further names under which its assertions may address this server
	RequiredClaims []string          `json:"required_claims,omitempty"` // claims that have to be there
	Patterns       []ClaimPattern    `json:"patterns,omitempty"`        // one has to match; nil: every assertion is let in
	ClaimMapping   map[string]string `json:"claim_mapping,omitempty"`   // claim of the issued token to the claim of the assertion that it is taken from
	Scopes         oauth.Scope       `json:"scopes,omitempty"`          // what its assertions may ask for
	Resources      []string          `json:"resources,omitempty"`       // the first is the default
	ClientAuth     bool              `json:"client_auth,omitempty"`     // a client has to authenticate in addition to the assertion
	ClientID       string            `json:"-"`                         // "client_id" of tokens if no client authenticated; "": ID
	MaxLifetime    time.Duration     `json:"max_lifetime_ns,omitempty"`
	ClockSkew      time.Duration     `json:"clock_skew_ns,omitempty"` // 0: the server's
	AllowRepeat    bool              `json:"allow_repeat,omitempty"`  // its assertions may be used again
	Disabled       bool              `json:"disabled,omitempty"`
	Version        int64             `json:"-"`
	CreatedAt      Moment            `json:"-"`
	UpdatedAt      Moment            `json:"-"`
}

// SealedAs names a row: as associated data, so that a sealed value opens only in its own row, and
// as the namespace of an issuer's or client's single uses.
func SealedAs(table, id string) string { return table + "/" + id }

// CheckSiblings returns ErrConflict if the registrations in the database are not the siblings that
// a change was checked against.
func CheckSiblings(found, siblings []Issuer) error {
	for _, s := range siblings {
		if !slices.ContainsFunc(found, func(i Issuer) bool { return i.ID == s.ID && i.Version == s.Version }) {
			return ErrConflict
		}
	}
	if len(found) != len(siblings) {
		return ErrConflict
	}
	return nil
}

// Issuers reads trusted issuers.
type Issuers interface {
	// IssuersOf returns the registrations with this claim "iss" in the order of their IDs, or
	// ErrNotFound.
	IssuersOf(ctx context.Context, iss string) ([]Issuer, error)
}

// IssuerAdmin changes trusted issuers. Every change tells the watchers of
// TopicIssuers.
type IssuerAdmin interface {
	// Issuer returns the registration with this ID, or ErrNotFound.
	Issuer(ctx context.Context, id string) (Issuer, error)
	// ListIssuers returns issuers in the order of their identifiers.
	ListIssuers(ctx context.Context, page Page) ([]Issuer, error)
	// CreateIssuer adds an issuer, or returns ErrExists or ErrNameTaken. Its keys were compared
	// with those of the siblings, by ID and Version: ErrConflict if the other registrations with
	// its Iss are not these any more.
	CreateIssuer(ctx context.Context, i Issuer, by Change, siblings ...Issuer) error
	// UpdateIssuer replaces the issuer whose ID and Version are i's, except for its Iss, and
	// increments the version. ErrNotFound, ErrConflict or ErrNameTaken. The siblings are those of
	// CreateIssuer.
	UpdateIssuer(ctx context.Context, i Issuer, by Change, siblings ...Issuer) error
	// DeleteIssuer removes an issuer. ErrNotFound if there is none.
	DeleteIssuer(ctx context.Context, id string, by Change) error
}
