package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"authserver/internal/keys"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Resource is an API, for display.
type Resource struct {
	ID             string   `json:"id"` // the claim "aud"
	Name           string   `json:"name"`
	Scopes         []string `json:"scopes"` // empty: left to the clients
	AccessTokenTTL int64    `json:"access_token_ttl_seconds"`
	SigningAlg     string   `json:"signing_alg"`
	TokenTyp       string   `json:"token_typ"` // the header "typ" of its tokens
	// EncryptionJWK is the public key to which its tokens are encrypted; left out: they are not.
	EncryptionJWK json.RawMessage `json:"encryption_jwk,omitempty"`
	EncryptionEnc string          `json:"encryption_enc,omitempty"` // RFC 7518 §5.1
	Claims        map[string]any  `json:"claims"`
	CreatedAt     time.Time       `json:"created_at"`
	UpdatedAt     time.Time       `json:"updated_at"`
}

// ResourceInput has the fields of a resource that the administrator chooses. A nil field keeps the
// value or, for a new resource, the default; an empty list clears it.
type ResourceInput struct {
	Name           *string         `field:"name"`
	Scopes         []string        `field:"scopes"`
	AccessTokenTTL *time.Duration  `field:"access_token_ttl_seconds"`
	SigningAlg     *string         `field:"signing_alg"`
	TokenTyp       *string         `field:"token_typ"`      // one of [tokens.AccessTypes]
	EncryptionJWK  json.RawMessage `field:"encryption_jwk"` // a public key; empty, and not nil: encrypt no longer
	EncryptionEnc  *string         `field:"encryption_enc"` // "A256GCM", the default, or "A128GCM"
	Claims         map[string]any  `field:"claims"`
}

// Resources has the operations on resources.
type Resources struct {
	*Common
	Store interface {
		store.Resources
		store.ResourceAdmin
	}
	Keys signingKeys
}

// NewResource is a resource to register. [oauth.CheckResource] checks its ID.
type NewResource struct {
	ID string `field:"id"`
	ResourceInput
}

// Create registers an API, and returns it with warnings. An error is [Faults], or store.ErrExists
// if it is registered already.
func (rs *Resources) Create(ctx context.Context, by Call, n NewResource) (Resource, []Fault, error) {
	now := store.At(rs.Now())
	r := store.Resource{
		ID: n.ID, AccessTokenTTL: rs.Limits.AccessTokenTTL, SigningAlg: rs.Limits.SigningAlg,
		CreatedAt: now, UpdatedAt: now,
	}
	var f form
	if err := oauth.CheckResource(n.ID); err != nil {
		f.fault("id", CodeInvalid, "%q: %v", n.ID, err)
	}
	rs.setResource(&f, &r, n.ResourceInput)
	if err := f.result(); err != nil {
		return Resource{}, nil, err
	}
	if err := rs.Store.CreateResource(ctx, r, by.change(store.ResourceCreated, rs.Now())); err != nil {
		return Resource{}, nil, explain("resource", n.ID, err)
	}
	warnings, err := rs.awaitKey(ctx, r.SigningAlg)
	return viewResource(r), append(commas(r.Scopes), warnings...), err
}

// List lists resources in the order of their identifiers.
func (rs *Resources) List(ctx context.Context, by Call, page Page) ([]Resource, error) {
	rows, err := rs.Store.ListResources(ctx, page)
	if err != nil {
		return nil, fmt.Errorf("list the resources: %w", err)
	}
	views := make([]Resource, 0, len(rows))
	for _, r := range rows {
		views = append(views, viewResource(r))
	}
	return views, nil
}

// Get returns a resource, or an error that is store.ErrNotFound.
func (rs *Resources) Get(ctx context.Context, by Call, id string) (Resource, error) {
	r, err := rs.Store.Resource(ctx, id)
	if err != nil {
		return Resource{}, explain("resource", id, err)
	}
	return viewResource(r), nil
}

// Update changes the fields given. Its errors are those of Create, store.ErrNotFound, and
// store.ErrConflict if another change came first.
func (rs *Resources) Update(ctx context.Context, by Call, id string, in ResourceInput) (Resource, []Fault, error) {
	r, err := rs.Store.Resource(ctx, id)
	if err != nil {
		return Resource{}, nil, explain("resource", id, err)
	}
	before := r.SigningAlg
	var f form
	rs.setResource(&f, &r, in)
	if r.SigningAlg != before {
		f.wantKey(ctx, rs.Keys, rs.Now, "signing_alg", r.SigningAlg)
	}
	if err := f.result(); err != nil {
		return Resource{}, nil, err
	}
	r.UpdatedAt = store.At(rs.Now())
	if err := rs.Store.UpdateResource(ctx, r, by.change(store.ResourceUpdated, rs.Now())); err != nil {
		return Resource{}, nil, explain("resource", id, err)
	}
	return viewResource(r), commas(r.Scopes), nil
}

// Delete removes a resource. The server refuses clients that ask for it; tokens that were issued
// for it stay valid until they expire.
func (rs *Resources) Delete(ctx context.Context, by Call, id string) error {
	return explain("resource", id, rs.Store.DeleteResource(ctx, id, by.change(store.ResourceDeleted, rs.Now())))
}

// setResource sets the given fields and checks the result.
func (rs *Resources) setResource(f *form, r *store.Resource, in ResourceInput) {
	f.setText("name", &r.Name, in.Name, maxText)
	f.setScopes("scopes", &r.Scopes, in.Scopes)
	f.setTTL("access_token_ttl_seconds", &r.AccessTokenTTL, in.AccessTokenTTL)
	// The key timeline and the memory of revocations are planned for the longest lifetime.
	if r.AccessTokenTTL > rs.Limits.MaxAccessTokenTTL {
		f.fault("access_token_ttl_seconds", CodeConflict, "it is %s, longer than %v, which is %s", r.AccessTokenTTL, Setting("max-access-token-ttl"), rs.Limits.MaxAccessTokenTTL)
	}
	setOne(f, "signing_alg", &r.SigningAlg, in.SigningAlg, keys.Algorithms())
	rs.setTokenTyp(f, r, in.TokenTyp)
	setEncryption(f, r, in)
	f.setClaims(&r.Claims, in.Claims)
}

// setTokenTyp sets the header "typ" of the resource's tokens. Tokens for this server itself have
// the type that distinguishes them from all other JWTs (RFC 9068 §4).
func (rs *Resources) setTokenTyp(f *form, r *store.Resource, typ *string) {
	switch {
	case typ == nil || !f.checkKnown("token_typ", *typ, tokens.AccessTypes()):
	case *typ == tokens.AccessType:
		r.TokenTyp = ""
	case r.ID == rs.Self:
		f.fault("token_typ", CodeConflict, "%s is for the APIs of others: %s is this server itself, which takes %s", *typ, r.ID, tokens.AccessType)
	default:
		r.TokenTyp = *typ
	}
}

func viewResource(r store.Resource) Resource {
	return Resource{
		ID:             r.ID,
		Name:           r.Name,
		Scopes:         listed(r.Scopes),
		AccessTokenTTL: seconds(r.AccessTokenTTL),
		SigningAlg:     r.SigningAlg,
		TokenTyp:       cmp.Or(r.TokenTyp, tokens.AccessType),
		EncryptionJWK:  r.EncryptionJWK,
		EncryptionEnc:  r.EncryptionEnc,
		Claims:         claimed(r.Claims),
		CreatedAt:      r.CreatedAt,
		UpdatedAt:      r.UpdatedAt,
	}
}
