package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"authserver/internal/keys/sealing"
	"authserver/internal/store"
)

// Issuer is a trusted issuer, for display. It has no shared secret.
type Issuer struct {
	ID                string               `json:"id"`         // names the registration
	Iss               string               `json:"iss"`        // the claim "iss"
	KeySource         string               `json:"key_source"` // "jwks", "jwks_uri", "discovery", "certificates" or "secret"
	JWKS              json.RawMessage      `json:"jwks"`       // null unless that is the source
	JWKSURI           string               `json:"jwks_uri,omitempty"`
	Certificates      []Certificate        `json:"certificates"`
	Algorithms        []string             `json:"algorithms"`
	Audiences         []string             `json:"audiences,omitempty"` // in addition to those of every assertion
	SubjectClaim      string               `json:"subject_claim"`
	Subject           store.SubjectKind    `json:"subject"`
	Scopes            []string             `json:"scopes"`
	Resources         []string             `json:"resources"` // the first is the default
	RequireClientAuth bool                 `json:"require_client_auth"`
	ClientID          string               `json:"client_id"` // "": the issuer's own identifier
	MaxLifetime       int64                `json:"max_lifetime_seconds"`
	AllowRepeat       bool                 `json:"allow_repeat"`
	EncryptionAlg     string               `json:"encryption_alg,omitempty"` // left out: its assertions are signed only
	Match             []store.ClaimPattern `json:"match,omitempty"`
	RequiredClaims    []string             `json:"required_claims,omitempty"`
	ClaimMapping      map[string]string    `json:"claim_mapping,omitempty"`
	ClockSkew         int64                `json:"clock_skew_seconds,omitempty"` // left out: the server's
	Authorities       []Certificate        `json:"ca_certificates,omitempty"`
	Disabled          bool                 `json:"disabled"`
	CreatedAt         time.Time            `json:"created_at"`
	UpdatedAt         time.Time            `json:"updated_at"`
}

// Certificate is a certificate, for display.
type Certificate struct {
	X5TS256   string    `json:"x5t#S256"` // RFC 7515 §4.1.8
	X5T       string    `json:"x5t"`      // RFC 7515 §4.1.7
	Subject   string    `json:"subject"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
}

// IssuerInput has the fields of an issuer that the administrator chooses. A nil field keeps the
// value or, for a new issuer, the default; an empty list clears it.
type IssuerInput struct {
	Keys              IssuerKeys
	Algorithms        []string            `field:"algorithms"` // empty: the algorithms of the keys
	Audiences         []string            `field:"audiences"`  // further values that its assertions may have as "aud"
	SubjectClaim      *string             `field:"subject_claim"`
	Subject           *string             `field:"subject"` // a [store.SubjectKind]
	Scopes            []string            `field:"scopes"`
	Resources         []string            `field:"resources"`
	RequireClientAuth *bool               `field:"require_client_auth"`
	ClientID          *string             `field:"client_id"` // a client that is registered; "": none
	MaxLifetime       *time.Duration      `field:"max_lifetime_seconds"`
	AllowRepeat       *bool               `field:"allow_repeat"`
	EncryptionAlg     *string             `field:"encryption_alg"`     // one of [keys.EncryptionAlgorithms]; "": signed assertions
	Match             []map[string]string `field:"match"`              // patterns by their claims, one of which has to match
	RequiredClaims    []string            `field:"required_claims"`    // by their paths
	ClaimMapping      map[string]string   `field:"claim_mapping"`      // claims of the token, each with the claim of the assertion
	ClockSkew         *time.Duration      `field:"clock_skew_seconds"` // 0: the server's
	Authorities       [][]byte            `field:"ca_certificates"`    // each in DER
	Disabled          *bool               `field:"disabled"`
}

// Issuers has the operations on trusted issuers.
type Issuers struct {
	*Common
	Store     store.IssuerAdmin
	Siblings  store.Issuers // the registrations with one iss
	Clients   store.Clients
	Targets   Targets
	Sealer    *sealing.Sealer
	LocalHTTP bool // accepts http URLs of key sets on this machine
}

const maxIssuerID = 1024 // bytes

// NewIssuer is an issuer to register.
type NewIssuer struct {
	ID  string `field:"id"`  // names the registration; "": as Iss
	Iss string `field:"iss"` // the claim "iss"
	IssuerInput
}

// Create registers a trusted issuer, which needs keys, and returns it with warnings. An error is
// [Faults], or store.ErrExists if it is registered already.
func (is *Issuers) Create(ctx context.Context, by Call, n NewIssuer) (Issuer, []Fault, error) {
	var f form
	id := cmp.Or(n.ID, n.Iss)
	if n.Iss == "" {
		f.fault("iss", CodeRequired, "it must not be empty")
	}
	is.checkIssuerName(&f, "iss", n.Iss)
	if n.ID != "" {
		is.checkIssuerName(&f, "id", n.ID)
	}
	if !n.Keys.given() {
		f.fault("", CodeRequired, "an issuer needs keys: give %v", keyFields())
	}
	now := store.At(is.Now())
	i := store.Issuer{
		ID: id, Iss: n.Iss, SubjectClaim: "sub", SubjectKind: store.SubjectUser, ClientAuth: true,
		MaxLifetime: is.Limits.AssertionLifetime, CreatedAt: now, UpdatedAt: now,
	}
	siblings := is.setIssuer(ctx, &f, &i, n.IssuerInput)
	if err := f.result(); err != nil {
		return Issuer{}, nil, err
	}
	warnings, err := is.issuerWarnings(ctx, i, n.IssuerInput)
	if err != nil {
		return Issuer{}, nil, err
	}
	if err := is.write(ctx, i, siblings, by.change(store.IssuerCreated, is.Now()), is.Store.CreateIssuer); err != nil {
		return Issuer{}, nil, explainIssuer(id, err)
	}
	view, err := viewIssuer(i)
	return view, warnings, err
}

func (is *Issuers) checkIssuerName(f *form, field Field, name string) {
	if name == is.Self {
		f.fault(field, CodeInvalid, "%s is this server itself, whose tokens are no assertions", name)
		return
	}
	f.checkText(field, name, maxIssuerID)
}

// explainIssuer is explain for a change of an issuer.
func explainIssuer(id string, err error) error {
	if errors.Is(err, store.ErrNameTaken) { // without a client the client_id of its tokens is its own
		return Faults{newFault("client_id", CodeRequired, "the issuer's id %s %v, a client's or a user's: give the client that the issuer's tokens are for", id, store.ErrNameTaken)}
	}
	if errors.Is(err, store.ErrExists) {
		return failure(err, CodeExists, "%v, and another registration with its iss takes an %v of its own", explain("issuer", id, err), Field("id"))
	}
	return explain("issuer", id, err)
}

// List lists issuers in the order of their identifiers.
func (is *Issuers) List(ctx context.Context, by Call, page Page) ([]Issuer, error) {
	rows, err := is.Store.ListIssuers(ctx, page)
	if err != nil {
		return nil, fmt.Errorf("list the issuers: %w", err)
	}
	views := make([]Issuer, 0, len(rows))
	for _, i := range rows {
		view, err := viewIssuer(i)
		if err != nil {
			return nil, err
		}
		views = append(views, view)
	}
	return views, nil
}

// Get returns an issuer, or an error that is store.ErrNotFound.
func (is *Issuers) Get(ctx context.Context, by Call, id string) (Issuer, error) {
	i, err := is.Store.Issuer(ctx, id)
	if err != nil {
		return Issuer{}, explain("issuer", id, err)
	}
	return viewIssuer(i)
}

// Update changes the fields given. Keys replace all present ones. Its errors are those of Create,
// store.ErrNotFound, and store.ErrConflict if another change came first.
func (is *Issuers) Update(ctx context.Context, by Call, id string, in IssuerInput) (Issuer, []Fault, error) {
	i, err := is.Store.Issuer(ctx, id)
	if err != nil {
		return Issuer{}, nil, explain("issuer", id, err)
	}
	var f form
	siblings := is.setIssuer(ctx, &f, &i, in)
	if err := f.result(); err != nil {
		return Issuer{}, nil, err
	}
	warnings, err := is.issuerWarnings(ctx, i, in)
	if err != nil {
		return Issuer{}, nil, err
	}
	i.UpdatedAt = store.At(is.Now())
	if err := is.write(ctx, i, siblings, by.change(store.IssuerUpdated, is.Now()), is.Store.UpdateIssuer); err != nil {
		return Issuer{}, nil, explainIssuer(id, err)
	}
	view, err := viewIssuer(i)
	return view, warnings, err
}

// Delete removes an issuer. Access tokens that were issued for its assertions stay valid until they
// expire.
func (is *Issuers) Delete(ctx context.Context, by Call, id string) error {
	return explain("issuer", id, is.Store.DeleteIssuer(ctx, id, by.change(store.IssuerDeleted, is.Now())))
}

func viewIssuer(i store.Issuer) (Issuer, error) {
	certificates, err := viewCertificates(i.Certificates)
	if err != nil {
		return Issuer{}, fmt.Errorf("issuer %q: %w", i.ID, err)
	}
	authorities, err := viewCertificates(i.CACertificates)
	if err != nil {
		return Issuer{}, fmt.Errorf("issuer %q: %w", i.ID, err)
	}
	view := Issuer{
		ID:                i.ID,
		Iss:               i.Iss,
		KeySource:         string(keySource(i)),
		JWKS:              i.JWKS,
		JWKSURI:           i.JWKSURI,
		Certificates:      certificates,
		Algorithms:        listed(i.Algorithms),
		Audiences:         i.Audiences,
		SubjectClaim:      i.SubjectClaim,
		Subject:           i.SubjectKind,
		Scopes:            listed(i.Scopes),
		Resources:         listed(i.Resources),
		RequireClientAuth: i.ClientAuth,
		ClientID:          i.ClientID,
		MaxLifetime:       seconds(i.MaxLifetime),
		AllowRepeat:       i.AllowRepeat,
		EncryptionAlg:     i.EncryptionAlg,
		Match:             i.Patterns, RequiredClaims: i.RequiredClaims, ClaimMapping: i.ClaimMapping,
		ClockSkew: seconds(i.ClockSkew), Authorities: authorities,
		Disabled:  i.Disabled,
		CreatedAt: i.CreatedAt,
		UpdatedAt: i.UpdatedAt,
	}
	return view, nil
}
