package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"authserver/internal/keys/sealing"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Client is a client, for display. It has no hash of a secret.
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
	// The credentials of the client other than secrets; each is left out if there is none.
	JWKS             json.RawMessage `json:"jwks,omitempty"`
	JWKSURI          string          `json:"jwks_uri,omitempty"`
	Certificates     []Certificate   `json:"certificates,omitempty"`
	AssertionAlgs    []string        `json:"assertion_algs,omitempty"` // its signature algorithms; left out: all that its keys can do
	EndpointAudience bool            `json:"accept_token_endpoint_audience,omitempty"`
	AssertUsers      []string        `json:"assert_users,omitempty"` // the users for whom it may sign assertions
	AssertRoles      []string        `json:"assert_roles,omitempty"`
	AllowRepeat      bool            `json:"allow_repeat,omitempty"` // what it signs as its own issuer may be used again
	Impersonates     []string        `json:"may_impersonate,omitempty"`
	TLSSubject       *TLSSubject     `json:"tls_subject,omitempty"`
	DPoPBound        bool            `json:"dpop_bound,omitempty"` // its access tokens are bound to a key that it proves
	TLSBound         *bool           `json:"tls_bound,omitempty"`  // its access tokens are bound to its certificate: always or never
	Profile          string          `json:"profile,omitempty"`    // its security profile: "fapi2"
	ClientSignIn
	Disabled  bool           `json:"disabled"`
	Secrets   []ClientSecret `json:"secrets"`
	CreatedAt time.Time      `json:"created_at"`
	UpdatedAt time.Time      `json:"updated_at"`
}

// ClientWithSecret is a client with its new secret. The secret is shown only now; the database has
// only its hash.
type ClientWithSecret struct {
	Client
	Secret string `json:"client_secret,omitempty"` // "": it has none
}

// ClientInput has the fields of a client that the administrator chooses. A nil field keeps the
// value or, for a new client, the default; an empty list clears it.
type ClientInput struct {
	Name          *string            `field:"name"`
	AuthMethods   []oauth.AuthMethod `field:"auth_methods"`   // [oauth.AuthNone] alone: public; empty: Basic or post, either
	JWKS          json.RawMessage    `field:"jwks"`           // public keys for private_key_jwt; empty, and not nil: none
	JWKSURI       *string            `field:"jwks_uri"`       // the URL from which they are fetched, instead of JWKS; "": none
	Certificates  [][]byte           `field:"certificates"`   // each in DER, instead of a JWKS or in addition to it
	AssertionAlgs []string           `field:"assertion_algs"` // the algorithms of its assertions; empty: all that its keys can do
	// EndpointAudience lets its assertions name the token endpoint as their audience.
	EndpointAudience *bool             `field:"accept_token_endpoint_audience"`
	AssertUsers      []string          `field:"assert_users"`    // patterns of usernames for whom it may sign as its own issuer
	AssertRoles      []string          `field:"assert_roles"`    // or the roles of such users
	AllowRepeat      *bool             `field:"allow_repeat"`    // what it signs as its own issuer may be used again
	Impersonates     []string          `field:"may_impersonate"` // patterns of subjects that token exchange may impersonate for it
	DPoPBound        *bool             `field:"dpop_bound"`      // its requests have to prove a key (RFC 9449 §5.2)
	TLSSubject       *TLSSubject       `field:"tls_subject"`     // an empty value: none
	TLSBound         *bool             `field:"tls_bound"`       // whether its access tokens are bound to the certificate that it presents
	Profile          *string           `field:"profile"`         // "": none
	Grants           []oauth.GrantType `field:"grants"`
	Scopes           []string          `field:"scopes"`
	DefaultScopes    []string          `field:"default_scopes"` // empty: all of Scopes
	Resources        []string          `field:"resources"`
	Serves           []string          `field:"serves"`
	Roles            []string          `field:"roles"`
	Permissions      []string          `field:"permissions"`
	Claims           map[string]any    `field:"claims"`
	RefreshIdleTTL   *time.Duration    `field:"refresh_idle_ttl_seconds"`
	RefreshMaxTTL    *time.Duration    `field:"refresh_max_ttl_seconds"`
	ClientSignInInput
	Disabled *bool `field:"disabled"`
}

// NewClient is a client to register.
type NewClient struct {
	ID         string `field:"client_id"`     // "": one is made
	Secret     string `field:"client_secret"` // one that an administrator brings; "": one is made
	ShowSecret ShowSecret
	ClientInput
}

// Clients has the operations on clients.
type Clients struct {
	*Common
	Store interface {
		store.Clients
		store.ClientAdmin
	}
	Targets   Targets
	Sealer    *sealing.Sealer
	Passwords Hasher
	Revoker   *tokens.Revoker
	Documents Documents // that clients publish
	Keys      signingKeys
	LocalHTTP bool // accepts http URLs of key sets on this machine
	// Whether client certificates reach the server, and whether an authority for them is trusted.
	TakesCertificates, TrustsAuthorities bool
}

// Create registers a client and returns it with its secret, if one was made, and with warnings. An
// error is [Faults], or store.ErrExists if the identifier is taken.
func (cs *Clients) Create(ctx context.Context, by Call, n NewClient) (ClientWithSecret, []Fault, error) {
	now := store.At(cs.Now())
	c := store.Client{
		AuthMethods: secretMethods(), RefreshIdle: cs.Limits.RefreshIdleTTL, RefreshMax: cs.Limits.RefreshMaxTTL,
		CreatedAt: now, UpdatedAt: now,
	}
	var f form
	cs.setClientID(&f, &c.ID, n.ID)
	cs.setClient(ctx, &f, &c, n.ClientInput)
	made := cs.firstSecret(ctx, &f, &c, n.Secret)
	if err := f.result(); err != nil {
		return ClientWithSecret{}, nil, err
	}
	warnings, err := cs.clientWarnings(ctx, c, n.ClientInput)
	if err != nil {
		return ClientWithSecret{}, nil, err
	}
	view, err := viewClient(c)
	if err != nil {
		return ClientWithSecret{}, nil, err
	}
	created := ClientWithSecret{Client: view, Secret: made}
	voids := cs.Revoker.Client(&c, store.EndedByClientCreated)
	if err := cs.Store.CreateClient(ctx, c, by.change(store.ClientCreated, now).Voiding(voids)); err != nil {
		return ClientWithSecret{}, nil, explainClient(c.ID, err)
	}
	// Only now: the store may refuse the client because another command took its name.
	if err := n.ShowSecret.show(created, warnings); err != nil {
		return ClientWithSecret{}, nil, cs.withdraw(ctx, by, c.ID, err)
	}
	return created, warnings, nil
}

// withdraw deletes a client that was created just now, because its secret could not be shown. It
// does so even if the command was interrupted meanwhile.
func (cs *Clients) withdraw(ctx context.Context, by Call, id string, cause error) error {
	if err := cs.Delete(context.WithoutCancel(ctx), by, id); err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%w, but client %q is registered and could not be deleted: give it a new secret, or delete it: %w", cause, id, err)
	}
	return fmt.Errorf("nothing was changed, because %w", cause)
}

// explainClient names what else has the identifier.
func explainClient(id string, err error) error {
	if errors.Is(err, store.ErrNameTaken) {
		return Faults{newFault("client_id", CodeExists,
			"%s %v, a user's id or that of a trusted issuer whose tokens go under it: choose another, or give that issuer a client first with %v",
			id, store.ErrNameTaken, Operation{Noun: "issuer", Verb: "update"})}
	}
	return explain("client", id, err)
}

// List lists clients in the order of their identifiers.
func (cs *Clients) List(ctx context.Context, by Call, page Page) ([]Client, error) {
	rows, err := cs.Store.ListClients(ctx, page)
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

// Get returns a client, or an error that is store.ErrNotFound.
func (cs *Clients) Get(ctx context.Context, by Call, id string) (Client, error) {
	c, err := cs.Store.Client(ctx, id)
	if err != nil {
		return Client{}, explain("client", id, err)
	}
	return viewClient(c)
}

// Update changes the fields given. Disabling a client voids its access tokens and its refresh
// tokens with it. Its errors are those of Create, store.ErrNotFound, and store.ErrConflict if
// another change came first.
func (cs *Clients) Update(ctx context.Context, by Call, id string, in ClientInput) (Client, []Fault, error) {
	c, err := cs.Store.Client(ctx, id)
	if err != nil {
		return Client{}, nil, explain("client", id, err)
	}
	var f form
	before := c
	cs.setClient(ctx, &f, &c, in)
	if err := f.result(); err != nil {
		return Client{}, nil, err
	}
	if !hasSecrets(c) {
		c.Secrets = nil
	}
	warnings, err := cs.clientWarnings(ctx, c, in)
	if err != nil {
		return Client{}, nil, err
	}
	warnings = append(warnings, sectorWarnings(before, c)...)
	now := store.At(cs.Now())
	c.UpdatedAt = now
	change := by.change(store.ClientUpdated, now)
	if in.Disabled != nil && *in.Disabled {
		change.Voids = cs.Revoker.Client(&c, store.EndedByClientDisabled)
	}
	if err := cs.Store.UpdateClient(ctx, c, change); err != nil {
		return Client{}, nil, explain("client", id, err)
	}
	view, err := viewClient(c)
	return view, warnings, err
}

// Delete removes a client and voids its access tokens. Its refresh tokens
// cannot be used without it.
func (cs *Clients) Delete(ctx context.Context, by Call, id string) error {
	c, err := cs.Store.Client(ctx, id)
	if err != nil {
		return explain("client", id, err)
	}
	return explain("client", id, cs.Store.DeleteClient(ctx, id, by.change(store.ClientDeleted, cs.Now()).Voiding(cs.Revoker.Client(&c, store.EndedByClientDeleted))))
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
		ClientSignIn: viewSignIn(c),
		Disabled:     c.Disabled,
		Secrets:      secrets,
		CreatedAt:    c.CreatedAt,
		UpdatedAt:    c.UpdatedAt,
	}, nil
}
