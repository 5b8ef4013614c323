package store

import (
	"context"
	"encoding/json"
	"time"

	"authserver/internal/oauth"
)

// Resource is an API that access tokens are made for (RFC 8707).
type Resource struct {
	ID             string          `json:"-"` // printable characters without blanks; the claim "aud"
	Name           string          `json:"-"`
	Scopes         oauth.Scope     `json:"scopes,omitempty"`
	AccessTokenTTL time.Duration   `json:"access_token_ttl_ns,omitempty"`
	SigningAlg     string          `json:"signing_alg"`              // "RS256" or "ES256"
	TokenTyp       string          `json:"token_typ,omitempty"`      // header "typ" of its access tokens: "JWT", or "" for "at+jwt" (RFC 9068 §2.1)
	EncryptionJWK  json.RawMessage `json:"encryption_jwk,omitempty"` // public key, with alg and kid, to which its access tokens are encrypted; nil: they are not
	EncryptionEnc  string          `json:"encryption_enc,omitempty"` // "enc" (JWE); "" where EncryptionJWK is nil
	Claims         map[string]any  `json:"claims,omitempty"`         // custom claims of its tokens
	Version        int64           `json:"-"`
	CreatedAt      Moment          `json:"-"`
	UpdatedAt      Moment          `json:"-"`
}

// Resources reads resources.
type Resources interface {
	// Resource returns the resource with this identifier, or ErrNotFound.
	Resource(ctx context.Context, id string) (Resource, error)
}

// ResourceAdmin changes resources. Every change tells the watchers of
// TopicResources.
type ResourceAdmin interface {
	// ListResources returns resources in the order of their identifiers.
	ListResources(ctx context.Context, page Page) ([]Resource, error)
	// CreateResource adds a resource, or returns ErrExists.
	CreateResource(ctx context.Context, r Resource, by Change) error
	// UpdateResource replaces the resource whose ID and Version are r's and increments the version.
	// ErrNotFound or ErrConflict.
	UpdateResource(ctx context.Context, r Resource, by Change) error
	// DeleteResource removes a resource. ErrNotFound if there is none. Clients that name it keep
	// the name, and the server refuses them when they ask for it.
	DeleteResource(ctx context.Context, id string, by Change) error
}
