package store

import (
	"context"
	"encoding/json"
	"time"

	"authserver/internal/oauth"
)

// Resource is an API that access tokens are made for (RFC 8707).
type Resource struct {
	ID             string // printable characters without blanks; the claim "aud"
	Name           string
	Scopes         oauth.Scope
	AccessTokenTTL time.Duration
	SigningAlg     string          // "RS256" or "ES256"
	TokenTyp       string          // header "typ" of its access tokens: "JWT", or "" for "at+jwt" (RFC 9068 §2.1)
	EncryptionJWK  json.RawMessage // public key, with alg and kid, that its access tokens are encrypted to; nil: they are not
	EncryptionEnc  string          // "enc" (JWE); "" where EncryptionJWK is nil
	Claims         map[string]any  // custom claims of its tokens
	Version        int64
	CreatedAt      Moment
	UpdatedAt      Moment
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
	// SigningAlgs returns the algorithms that resources are registered for, each once
	// and sorted.
	SigningAlgs(ctx context.Context) ([]string, error)
	// CreateResource adds a resource, or returns ErrExists.
	CreateResource(ctx context.Context, r Resource) error
	// UpdateResource replaces the resource whose ID and Version are r's and counts
	// the version up. ErrNotFound or ErrConflict.
	UpdateResource(ctx context.Context, r Resource) error
	// DeleteResource removes a resource. ErrNotFound where there is none. Clients
	// that name it keep the name and are refused when they ask for it.
	DeleteResource(ctx context.Context, id string) error
}
