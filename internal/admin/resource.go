package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"authserver/internal/jose"
	"authserver/internal/keys/keyfiles"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Resource is an API as it is shown.
type Resource struct {
	ID             string   `json:"id"` // the claim "aud"
	Name           string   `json:"name"`
	Scopes         []string `json:"scopes"` // empty: left to the clients
	AccessTokenTTL int64    `json:"access_token_ttl_seconds"`
	SigningAlg     string   `json:"signing_alg"`
	TokenTyp       string   `json:"token_typ"` // the header "typ" of its tokens
	// EncryptionJWK is the public key that its tokens are encrypted to, left out where
	// they are not.
	EncryptionJWK json.RawMessage `json:"encryption_jwk,omitempty"`
	EncryptionEnc string          `json:"encryption_enc,omitempty"` // RFC 7518 §5.1
	Claims        map[string]any  `json:"claims"`
	CreatedAt     time.Time       `json:"created_at"`
	UpdatedAt     time.Time       `json:"updated_at"`
}

// ResourceFields is what of a resource may be chosen. A nil field leaves it as it
// is or, in a new resource, at its default; an empty list empties it.
type ResourceFields struct {
	Name           *string
	Scopes         []string
	AccessTokenTTL *time.Duration
	SigningAlg     *string
	TokenTyp       *string // one of [tokens.AccessTypes]
	EncryptionJWK  []byte  // a public key as a JWK; empty, and not nil: encrypt no longer
	EncryptionEnc  *string // "A256GCM", the default, or "A128GCM"
	Claims         map[string]any
}

// CreateResource registers an API by its identifier, as [oauth.CheckResource] wants it. An [Invalid] names the flag to change; store.ErrExists
// where it is registered already.
func (a *Admin) CreateResource(ctx context.Context, by Call, id string, f ResourceFields) (Resource, []string, error) {
	if err := oauth.CheckResource(id); err != nil {
		return Resource{}, nil, invalid("--id %q: %w", id, err)
	}
	now := store.At(a.Now())
	r := store.Resource{
		ID: id, AccessTokenTTL: a.Limits.AccessTokenTTL, SigningAlg: a.Limits.SigningAlg,
		CreatedAt: now, UpdatedAt: now,
	}
	if err := a.setResource(&r, f); err != nil {
		return Resource{}, nil, err
	}
	if err := a.Store.CreateResource(ctx, r); err != nil {
		return Resource{}, nil, explain("resource", id, err)
	}
	warnings, err := a.awaitKey(ctx, r.SigningAlg)
	return viewResource(r), append(commas(r.Scopes), warnings...), err
}

// Resources lists resources in the order of their identifiers.
func (a *Admin) Resources(ctx context.Context, by Call, page Page) ([]Resource, error) {
	rows, err := a.Store.ListResources(ctx, page)
	if err != nil {
		return nil, fmt.Errorf("list the resources: %w", err)
	}
	views := make([]Resource, 0, len(rows))
	for _, r := range rows {
		views = append(views, viewResource(r))
	}
	return views, nil
}

// Resource returns a resource, or an error that is store.ErrNotFound.
func (a *Admin) Resource(ctx context.Context, by Call, id string) (Resource, error) {
	r, err := a.Store.Resource(ctx, id)
	if err != nil {
		return Resource{}, explain("resource", id, err)
	}
	return viewResource(r), nil
}

// UpdateResource changes the fields given. Its errors are those of
// CreateResource, store.ErrNotFound, and store.ErrConflict where somebody else
// was quicker.
func (a *Admin) UpdateResource(ctx context.Context, by Call, id string, f ResourceFields) (Resource, []string, error) {
	r, err := a.Store.Resource(ctx, id)
	if err != nil {
		return Resource{}, nil, explain("resource", id, err)
	}
	before := r.SigningAlg
	if err := a.setResource(&r, f); err != nil {
		return Resource{}, nil, err
	}
	if r.SigningAlg != before {
		if err := a.wantKey(ctx, r.SigningAlg); err != nil {
			return Resource{}, nil, err
		}
	}
	r.UpdatedAt = store.At(a.Now())
	if err := a.Store.UpdateResource(ctx, r); err != nil {
		return Resource{}, nil, explain("resource", id, err)
	}
	return viewResource(r), commas(r.Scopes), nil
}

// DeleteResource removes a resource. Clients that name it are refused when they
// ask for it; tokens that were issued for it stay good until they expire.
func (a *Admin) DeleteResource(ctx context.Context, by Call, id string) error {
	return explain("resource", id, a.Store.DeleteResource(ctx, id))
}

func (a *Admin) setResource(r *store.Resource, f ResourceFields) error {
	if err := setName(&r.Name, f.Name); err != nil {
		return err
	}
	if err := setIf(f.Scopes, &r.Scopes, scopesOf("--scope")); err != nil {
		return err
	}
	if err := setTTL("--access-token-ttl", &r.AccessTokenTTL, f.AccessTokenTTL); err != nil {
		return err
	}
	// The key timeline and the memory of revocations are laid out for the longest.
	if r.AccessTokenTTL > a.Limits.MaxAccessTokenTTL {
		return invalid("--access-token-ttl is %s, longer than --max-access-token-ttl, which is %s", r.AccessTokenTTL, a.Limits.MaxAccessTokenTTL)
	}
	if f.SigningAlg != nil {
		r.SigningAlg = *f.SigningAlg
		if err := checkKnown("--signing-alg", r.SigningAlg); err != nil {
			return err
		}
	}
	if err := a.setTokenTyp(r, f.TokenTyp); err != nil {
		return err
	}
	if err := setEncryption(r, f); err != nil {
		return err
	}
	return setClaims(&r.Claims, f.Claims)
}

// setTokenTyp takes over the header "typ" of the resource's tokens. Those for this server
// itself have the type by which it knows them from all other JWTs (RFC 9068 §4).
func (a *Admin) setTokenTyp(r *store.Resource, typ *string) error {
	switch {
	case typ == nil:
	case !slices.Contains(tokens.AccessTypes(), *typ):
		return invalid("--token-typ %q is not known: choose from %s", *typ, strings.Join(tokens.AccessTypes(), ", "))
	case *typ == tokens.AccessType:
		r.TokenTyp = ""
	case r.ID == a.Self:
		return invalid("--token-typ %s is for the APIs of others: %s is this server itself, which takes %s", *typ, r.ID, tokens.AccessType)
	default:
		r.TokenTyp = *typ
	}
	return nil
}

func setEncryption(r *store.Resource, f ResourceFields) error {
	switch {
	case f.EncryptionJWK == nil:
	case len(f.EncryptionJWK) == 0:
		r.EncryptionJWK, r.EncryptionEnc = nil, ""
	default:
		if err := keyfiles.Check(f.EncryptionJWK, keyfiles.JWK); err != nil {
			return invalid("--encryption-jwk-file: %w", err)
		}
		public, err := jose.CheckEncryptionKey(f.EncryptionJWK)
		if err != nil {
			return invalid("--encryption-jwk-file: %w", err)
		}
		r.EncryptionJWK = public
		if r.EncryptionEnc == "" {
			r.EncryptionEnc = jose.ContentEncryptions()[0]
		}
	}
	if f.EncryptionEnc == nil {
		return nil
	}
	if r.EncryptionJWK == nil {
		return invalid("--encryption-enc goes with --encryption-jwk-file")
	}
	if !slices.Contains(jose.ContentEncryptions(), *f.EncryptionEnc) {
		return invalid("--encryption-enc %q is not known: choose from %s", *f.EncryptionEnc, strings.Join(jose.ContentEncryptions(), ", "))
	}
	r.EncryptionEnc = *f.EncryptionEnc
	return nil
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
