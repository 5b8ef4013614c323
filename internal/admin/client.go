package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// Client is a client as it is shown. It has no hash of a secret.
type Client struct {
	ClientID       string             `json:"client_id"`
	Name           string             `json:"name"`
	Public         bool               `json:"public"`
	AuthMethods    []oauth.AuthMethod `json:"auth_methods"`
	Grants         []oauth.GrantType  `json:"grants"`
	Scopes         []string           `json:"scopes"`
	DefaultScopes  []string           `json:"default_scopes"` // empty: all of scopes
	Resources      []string           `json:"resources"`      // the first is the default
	Serves         []string           `json:"serves"`
	Roles          []string           `json:"roles"`
	Permissions    []string           `json:"permissions"`
	Claims         map[string]any     `json:"claims"`
	RefreshIdleTTL int64              `json:"refresh_idle_ttl_seconds"`
	RefreshMaxTTL  int64              `json:"refresh_max_ttl_seconds"`
	// What the client proves itself with beside secrets; each is left out where there
	// is none.
	JWKS             json.RawMessage `json:"jwks,omitempty"`
	JWKSURI          string          `json:"jwks_uri,omitempty"`
	Certificates     []Certificate   `json:"certificates,omitempty"`
	AssertionAlgs    []string        `json:"assertion_algs,omitempty"` // what it may sign with; left out: what its keys can do
	EndpointAudience bool            `json:"accept_token_endpoint_audience,omitempty"`
	AssertUsers      []string        `json:"assert_users,omitempty"` // of whom it may sign assertions
	AssertRoles      []string        `json:"assert_roles,omitempty"`
	AllowRepeat      bool            `json:"allow_repeat,omitempty"` // what it signs as its own issuer may be used again
	Impersonates     []string        `json:"may_impersonate,omitempty"`
	TLSSubject       *TLSSubject     `json:"tls_subject,omitempty"`
	DPoPBound        bool            `json:"dpop_bound,omitempty"` // its access tokens are bound to a key that it proves
	TLSBound         *bool           `json:"tls_bound,omitempty"`  // its access tokens are bound to its certificate: always or never
	Profile          string          `json:"profile,omitempty"`    // the rules that it is held to: "fapi2"
	Disabled         bool            `json:"disabled"`
	Secrets          []ClientSecret  `json:"secrets"`
	CreatedAt        time.Time       `json:"created_at"`
	UpdatedAt        time.Time       `json:"updated_at"`
}

// ClientWithSecret is a client together with the secret that it was given just now.
// It is told this once; only its hash is kept.
type ClientWithSecret struct {
	Client
	Secret string `json:"client_secret,omitempty"` // "": it has none
}

// ClientFields is what of a client may be chosen. A nil field leaves it as it is
// or, in a new client, at its default; an empty list empties it.
type ClientFields struct {
	Name          *string
	AuthMethods   []string // [oauth.AuthNone] alone: public; empty: Basic or post, either
	JWKS          []byte   // public keys for private_key_jwt; empty, and not nil: none
	JWKSURI       *string  // where they are fetched from, in the place of JWKS; "": nowhere
	Certificates  [][]byte // files of certificates in PEM, in the place of a JWKS or beside it
	AssertionAlgs []string // what its assertions may be signed with; empty: what its keys can do
	// EndpointAudience lets its assertions name the token endpoint as their audience.
	EndpointAudience *bool
	AssertUsers      []string    // patterns of usernames of whom it may sign as its own issuer
	AssertRoles      []string    // or the roles of such users
	AllowRepeat      *bool       // what it signs as its own issuer may be used again
	Impersonates     []string    // patterns of subjects that token exchange may impersonate for it
	DPoPBound        *bool       // its requests have to prove a key (RFC 9449 §5.2)
	TLSSubject       *TLSSubject // an empty value: none
	TLSBound         *bool       // whether its access tokens are bound to the certificate that it presents
	Profile          *string     // "fapi2", or "": none
	Grants           []string    // "jwt-bearer" is short for the URN
	Scopes           []string
	DefaultScopes    []string // empty: all of Scopes
	Resources        []string
	Serves           []string
	Roles            []string
	Permissions      []string
	Claims           map[string]any
	RefreshIdleTTL   *time.Duration
	RefreshMaxTTL    *time.Duration
	Disabled         *bool
}

// NewClient is a client to be.
type NewClient struct {
	ID     string // "": one is made
	Secret string // one that an administrator brings; "": one is made
	Tell   Tell
	ClientFields
}

// Tell is given a client with its secret before the secret is stored, since it can be told
// once only: an error of it ends what was asked for, and nothing is changed. It is not
// called for a client that has no secret; nil: nobody is told ahead of time.
type Tell func(ClientWithSecret) error

// ahead tells what can be told once, and returns whether that was done.
func (t Tell) ahead(c ClientWithSecret) (told bool, err error) {
	if t == nil || c.Secret == "" {
		return false, nil
	}
	return true, t(c)
}

// notInForce explains a refusal of the store where the secret was told already.
func notInForce(told bool, err error) error {
	if !told {
		return err
	}
	return fmt.Errorf("the secret that was printed is not in force, and nothing was changed: %w", err)
}

// CreateClient registers a client and returns it with its secret, where one was
// made, and with warnings of what is allowed and hardly meant. An [Invalid] names
// the flag to change; store.ErrExists where the identifier is taken.
func (a *Admin) CreateClient(ctx context.Context, by Call, n NewClient) (ClientWithSecret, []Fault, error) {
	id, err := a.clientID(n.ID)
	if err != nil {
		return ClientWithSecret{}, nil, err
	}
	now := store.At(a.Now())
	c := store.Client{
		ID: id, AuthMethods: secretMethods(),
		RefreshIdle: a.Limits.RefreshIdleTTL, RefreshMax: a.Limits.RefreshMaxTTL,
		CreatedAt: now, UpdatedAt: now,
	}
	if err := a.setClient(ctx, &c, n.ClientFields); err != nil {
		return ClientWithSecret{}, nil, err
	}
	var made string
	switch {
	case !hasSecrets(c) && n.Secret != "":
		return ClientWithSecret{}, nil, invalid("a public client has no secret, nor has one with keys or certificates alone: leave out --secret-file or --public, or name a method with a secret")
	case hasSecrets(c):
		secret, text, err := a.newSecret(ctx, c, n.Secret)
		if err != nil {
			return ClientWithSecret{}, nil, err
		}
		c.Secrets, made = []store.ClientSecret{secret}, text
	}
	warnings, err := a.clientWarnings(ctx, c)
	if err != nil {
		return ClientWithSecret{}, nil, err
	}
	warnings = append(warnings, leftOut(n.JWKS)...)
	view, err := viewClient(c)
	if err != nil {
		return ClientWithSecret{}, nil, err
	}
	created := ClientWithSecret{Client: view, Secret: made}
	if err := a.isFree(ctx, c.ID); err != nil {
		return ClientWithSecret{}, nil, err
	}
	told, err := n.Tell.ahead(created)
	if err != nil {
		return ClientWithSecret{}, nil, err
	}
	voids := a.Revoker.Client(&c, "client_created")
	if err := a.Store.CreateClient(ctx, c, &voids); err != nil {
		return ClientWithSecret{}, nil, notInForce(told, explainClient(c.ID, err))
	}
	return created, warnings, nil
}

// explainClient names what else has the identifier.
func explainClient(id string, err error) error {
	if errors.Is(err, store.ErrNameTaken) {
		return invalid("--id %s: %w, a user's id or that of a trusted issuer whose tokens go under it: choose another, or set --client of that issuer first", id, store.ErrNameTaken)
	}
	return explain("client", id, err)
}

// isFree refuses an identifier that is taken before a secret is told for it. That two who
// come at once do not both have it is for the store.
func (a *Admin) isFree(ctx context.Context, id string) error {
	_, noClient := a.Store.Client(ctx, id)
	_, noUser := a.Store.User(ctx, id)
	issuer, noIssuer := a.Store.Issuer(ctx, id)
	for _, err := range []error{noClient, noUser, noIssuer} {
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("look for who has the identifier: %w", err)
		}
	}
	switch {
	case noClient == nil:
		return explainClient(id, store.ErrExists)
	case noUser == nil, noIssuer == nil && issuer.ClientID == "":
		return explainClient(id, store.ErrNameTaken)
	}
	return nil
}

// Clients lists clients in the order of their identifiers.
func (a *Admin) Clients(ctx context.Context, by Call, page Page) ([]Client, error) {
	rows, err := a.Store.ListClients(ctx, page)
	if err != nil {
		return nil, fmt.Errorf("list the clients: %w", err)
	}
	views := make([]Client, 0, len(rows))
	for _, c := range rows {
		view, err := viewClient(c)
		if err != nil {
			return nil, err
		}
		views = append(views, view)
	}
	return views, nil
}

// Client returns a client, or an error that is store.ErrNotFound.
func (a *Admin) Client(ctx context.Context, by Call, id string) (Client, error) {
	c, err := a.Store.Client(ctx, id)
	if err != nil {
		return Client{}, explain("client", id, err)
	}
	return viewClient(c)
}

// UpdateClient changes the fields given. Disabling a client voids its access
// tokens and its refresh tokens with it. Its errors are those of CreateClient,
// store.ErrNotFound, and store.ErrConflict where somebody else was quicker.
func (a *Admin) UpdateClient(ctx context.Context, by Call, id string, f ClientFields) (Client, []Fault, error) {
	c, err := a.Store.Client(ctx, id)
	if err != nil {
		return Client{}, nil, explain("client", id, err)
	}
	if err := a.setClient(ctx, &c, f); err != nil {
		return Client{}, nil, err
	}
	if !hasSecrets(c) {
		c.Secrets = nil
	}
	warnings, err := a.clientWarnings(ctx, c)
	if err != nil {
		return Client{}, nil, err
	}
	warnings = append(warnings, leftOut(f.JWKS)...)
	now := store.At(a.Now())
	c.UpdatedAt = now
	var voids *store.Void
	if f.Disabled != nil && *f.Disabled {
		v := a.Revoker.Client(&c, "client_disabled")
		voids = &v
	}
	if err := a.Store.UpdateClient(ctx, c, voids); err != nil {
		return Client{}, nil, explain("client", id, err)
	}
	view, err := viewClient(c)
	return view, warnings, err
}

// DeleteClient removes a client and voids its access tokens. Its refresh tokens
// cannot be used without it.
func (a *Admin) DeleteClient(ctx context.Context, by Call, id string) error {
	c, err := a.Store.Client(ctx, id)
	if err != nil {
		return explain("client", id, err)
	}
	return explain("client", id, a.Store.DeleteClient(ctx, id, a.Revoker.Client(&c, "client_deleted")))
}

func viewClient(c store.Client) (Client, error) {
	certificates, err := viewCertificates(c.Certificates)
	if err != nil {
		return Client{}, fmt.Errorf("client %q: %w", c.ID, err)
	}
	secrets := make([]ClientSecret, 0, len(c.Secrets))
	for _, s := range c.Secrets {
		secrets = append(secrets, ClientSecret{ID: s.ID, Kind: s.Kind, CreatedAt: s.CreatedAt, ExpiresAt: moment(s.ExpiresAt)})
	}
	return Client{
		ClientID:       c.ID,
		Name:           c.Name,
		Public:         c.Public(),
		AuthMethods:    listed(c.AuthMethods),
		Grants:         listed(c.Grants),
		Scopes:         listed(c.Scopes),
		DefaultScopes:  listed(c.DefaultScopes),
		Resources:      listed(c.Resources),
		Serves:         listed(c.Serves),
		Roles:          listed(c.Roles),
		Permissions:    listed(c.Permissions),
		Claims:         claimed(c.Claims),
		RefreshIdleTTL: seconds(c.RefreshIdle),
		RefreshMaxTTL:  seconds(c.RefreshMax),
		JWKS:           c.JWKS, JWKSURI: c.JWKSURI, Certificates: certificates, EndpointAudience: c.EndpointAudience, AssertionAlgs: c.AssertionAlgs, Profile: string(c.Profile),
		AssertUsers: c.AssertUsers, AssertRoles: c.AssertRoles, AllowRepeat: c.AllowRepeat, Impersonates: c.Impersonates,
		TLSSubject: viewTLSSubject(c.TLSSubject), TLSBound: viewTLSBound(c), DPoPBound: c.DPoPBound,
		Disabled:  c.Disabled,
		Secrets:   secrets,
		CreatedAt: c.CreatedAt,
		UpdatedAt: c.UpdatedAt,
	}, nil
}
