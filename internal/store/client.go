package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"authserver/internal/oauth"
)

// Client is an application that asks for tokens (RFC 6749 §2).
type Client struct {
	ID            string             `json:"-"` // 1 to 255 bytes of printable ASCII, compared byte by byte
	Name          string             `json:"-"`
	AuthMethods   []oauth.AuthMethod `json:"auth_methods,omitempty"` // how it may authenticate; [AuthNone] alone is a public client
	Secrets       []ClientSecret     `json:"-"`                      // at most MaxClientSecrets
	Grants        []oauth.GrantType  `json:"grants,omitempty"`
	Scopes        oauth.Scope        `json:"scopes,omitempty"`        // what it may ask for
	DefaultScopes oauth.Scope        `json:"default_scopes,omitzero"` // what it gets without a scope in the request; nil: all of Scopes
	Resources     []string           `json:"resources,omitempty"`     // what it may ask tokens for; the first is the default
	Serves        []string           `json:"serves,omitempty"`        // the resources whose tokens it may introspect
	Roles         []string           `json:"roles,omitempty"`         // go into the tokens that it gets for itself
	Permissions   []string           `json:"permissions,omitempty"`
	Claims        map[string]any     `json:"claims,omitempty"`          // custom claims of its tokens
	RefreshIdle   time.Duration      `json:"refresh_idle_ns,omitempty"` // a family ends when it was unused for so long
	RefreshMax    time.Duration      `json:"refresh_max_ns,omitempty"`  // a family ends so long after it began
	Disabled      bool               `json:"disabled,omitempty"`

	// The public keys for authentication are in one of JWKS and JWKSURI at most.
	JWKS    json.RawMessage `json:"jwks,omitempty"`     // a JWK Set (RFC 7517 §5)
	JWKSURI string          `json:"jwks_uri,omitempty"` // https URL that the key set is fetched from
	// Certificates are in DER, and nil or not empty: chosen by x5t or x5t#S256, or
	// presented in TLS (RFC 8705 §2.2).
	Certificates     [][]byte   `json:"certificates,omitzero"`
	TLSSubject       TLSSubject `json:"tls_subject,omitzero"`        // of a certificate that it presents in TLS; zero: none
	AssertionAlgs    []string   `json:"assertion_algs,omitempty"`    // what its assertions may be signed with; nil: what its keys can do
	EndpointAudience bool       `json:"endpoint_audience,omitempty"` // its assertions may name the token endpoint as their audience
	AssertUsers      []string   `json:"assert_users,omitempty"`      // usernames (globs) of whom it may sign assertions as its own issuer,
	AssertRoles      []string   `json:"assert_roles,omitempty"`      // or whose users have one of these roles
	AllowRepeat      bool       `json:"allow_repeat,omitempty"`      // what it signs as its own issuer may be used again
	Impersonates     []string   `json:"impersonates,omitempty"`      // subjects (globs) that token exchange may impersonate for it
	DPoPBound        bool       `json:"dpop_bound,omitempty"`        // its access tokens are DPoP-bound, always (RFC 9449 §5.2)
	// Whether its access tokens are bound to the certificate that it presents: always (RFC 8705
	// §3.4), or never. If neither is set, they are bound if it authenticates by the certificate and
	// sends no DPoP proof.
	TLSBound   bool    `json:"tls_bound,omitempty"`
	TLSUnbound bool    `json:"tls_unbound,omitempty"`
	Profile    Profile `json:"profile,omitempty"`

	// The rest is for people who sign in. The tags have the names of OpenID Connect Dynamic Client
	// Registration 1.0 §2.
	RedirectURIs               []string        `json:"redirect_uris,omitempty"`             // compared exactly, except for the port of a loopback one (RFC 8252 §7.3)
	PostLogoutRedirectURIs     []string        `json:"post_logout_redirect_uris,omitempty"` // compared exactly
	ResponseTypes              []ResponseType  `json:"response_types,omitempty"`            // nil: "code" alone
	PKCEOptional               bool            `json:"pkce_optional,omitempty"`             // of a confidential client alone: it needs no nonce either (RFC 9700 §2.1.1)
	Consent                    ConsentRule     `json:"consent,omitempty"`                   // "": ConsentOnce
	BackchannelLogoutURI       string          `json:"backchannel_logout_uri,omitempty"`
	FrontchannelLogoutURI      string          `json:"frontchannel_logout_uri,omitempty"`
	IDTokenAlg                 string          `json:"id_token_signed_response_alg,omitempty"`    // "": see IDTokenAlgorithm
	UserinfoAlg                string          `json:"userinfo_signed_response_alg,omitempty"`    // "": JSON that is not signed
	EncryptionJWK              json.RawMessage `json:"encryption_jwk,omitempty"`                  // public key, with kid, that what it learns of people is encrypted to; nil: nothing is
	IDTokenEncryptionAlg       string          `json:"id_token_encrypted_response_alg,omitempty"` // "alg" (JWE) of its ID tokens and logout tokens; "": they are signed alone
	IDTokenEncryptionEnc       string          `json:"id_token_encrypted_response_enc,omitempty"` // "" if the alg is ""
	UserinfoEncryptionAlg      string          `json:"userinfo_encrypted_response_alg,omitempty"` // "": as with ID tokens
	UserinfoEncryptionEnc      string          `json:"userinfo_encrypted_response_enc,omitempty"`
	IDTokenScopeClaims         bool            `json:"id_token_scope_claims,omitempty"` // its ID tokens have the standard claims of the scopes too
	SubjectType                SubjectType     `json:"subject_type,omitempty"`          // "": SubjectPublic
	SectorIdentifierURI        string          `json:"sector_identifier_uri,omitempty"` // https; its host is the sector of pairwise subjects
	LogoURI                    string          `json:"logo_uri,omitempty"`
	PolicyURI                  string          `json:"policy_uri,omitempty"`
	TermsURI                   string          `json:"tos_uri,omitempty"`
	InitiateLoginURI           string          `json:"initiate_login_uri,omitempty"`
	DefaultMaxAge              time.Duration   `json:"default_max_age_ns,omitempty"` // 0: none
	SessionManagement          bool            `json:"session_management,omitempty"` // answers have session_state (OpenID Connect Session Management 1.0)
	RequireSignedRequestObject bool            `json:"require_signed_request_object,omitempty"`

	// NotBefore moves on, by a millisecond at least, whenever every token and family of this client
	// is revoked. Each of them stores the NotBefore under which it was issued. It begins at the
	// moment of creation, so that a client that is created again under an old name does not inherit
	// its tokens.
	NotBefore Moment `json:"-"`
	Version   int64  `json:"-"` // counts updates; see ErrConflict
	CreatedAt Moment `json:"-"`
	UpdatedAt Moment `json:"-"`
}

// Profile is a set of rules for a client; "": none.
type Profile string

// ProfileFAPI2 is the FAPI 2.0 Security Profile, as far as it concerns a client at the token
// endpoint: the client authenticates by a private key or a certificate, its assertions have the
// issuer identifier as their only audience, its access tokens are bound, and all signatures by it
// and for it use one of the profile's Algorithms (§5.3.2.1, §5.4.1).
const ProfileFAPI2 Profile = "fapi2"

// Algorithms returns the signature algorithms that the profile allows by the client and for it;
// nil: all that the keys can do.
func (p Profile) Algorithms() []string {
	if p == ProfileFAPI2 {
		return []string{"PS256", "ES256", "EdDSA"}
	}
	return nil
}

// Rotates reports whether a refresh token is exchanged for another at each use. FAPI 2.0
// forbids it (§5.3.2.1): its clients are confidential and their tokens are bound, so that a
// rotation protects nothing, and a lost answer would end the login.
func (p Profile) Rotates() bool { return p != ProfileFAPI2 }

// IDTokenAlgorithm returns the algorithm of the client's ID tokens and logout tokens: RS256, which
// every relying party can verify (OIDC Core §15.1), or for a client of FAPI 2.0 ES256 (§5.4.1),
// unless the client asks for another.
func (c Client) IDTokenAlgorithm() string {
	switch {
	case c.IDTokenAlg != "":
		return c.IDTokenAlg
	case c.Profile == ProfileFAPI2:
		return "ES256"
	}
	return "RS256"
}

// TLSSubjectKind is the part of a certificate that is compared (RFC 8705 §2.1.2).
type TLSSubjectKind string

// The parts that may be compared.
const (
	TLSSubjectDN    TLSSubjectKind = "dn"    // tls_client_auth_subject_dn
	TLSSubjectDNS   TLSSubjectKind = "dns"   // tls_client_auth_san_dns
	TLSSubjectURI   TLSSubjectKind = "uri"   // tls_client_auth_san_uri
	TLSSubjectIP    TLSSubjectKind = "ip"    // tls_client_auth_san_ip
	TLSSubjectEmail TLSSubjectKind = "email" // tls_client_auth_san_email
)

// TLSSubject is the subject that a certificate has to have (RFC 8705 §2.1.2). Both fields are set,
// or neither.
type TLSSubject struct {
	Kind  TLSSubjectKind `json:"kind"`
	Value string         `json:"value"`
}

// MaxClientSecrets bounds the secrets of one client: a few overlap in a rotation.
const MaxClientSecrets = 5

// SecretKind is the way in which a client secret is stored.
type SecretKind string

// The ways of storing a client secret.
const (
	SecretSHA256 SecretKind = "sha256" // made by the server from 256 random bits
	SecretBcrypt SecretKind = "bcrypt" // brought by an administrator
	SecretSealed SecretKind = "sealed" // stored for use as an HMAC key
)

// ClientSecret is one secret of a client, hashed or sealed.
type ClientSecret struct {
	ID   string     `json:"id"` // within the client; has no "/"
	Kind SecretKind `json:"kind"`
	// Hash is 32 bytes of SHA-256, a bcrypt string, or the secret sealed for
	// SealedAs("clients", client's ID+"/"+ID).
	Hash      []byte `json:"hash"`
	CreatedAt Moment `json:"created_at"`
	ExpiresAt Moment `json:"expires_at"` // zero: does not expire
}

// Live reports whether the secret is valid at a moment.
func (s ClientSecret) Live(now time.Time) bool {
	return s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt)
}

// Public reports whether the client cannot authenticate (RFC 6749 §2.1).
func (c Client) Public() bool {
	return len(c.AuthMethods) == 1 && c.AuthMethods[0] == oauth.AuthNone
}

// May reports whether the client is registered for the grant.
func (c Client) May(grant oauth.GrantType) bool { return slices.Contains(c.Grants, grant) }

// Defaults returns the scope of a request that names none.
func (c Client) Defaults() oauth.Scope {
	if c.DefaultScopes != nil {
		return c.DefaultScopes
	}
	return c.Scopes
}

// Clients reads clients.
type Clients interface {
	// Client returns the client with this identifier, or ErrNotFound. A disabled
	// client is returned too: refusing it is the caller's part.
	Client(ctx context.Context, id string) (Client, error)
}

// ClientAdmin changes clients. Every change tells the watchers of TopicClients.
type ClientAdmin interface {
	// ListClients returns clients in the order of their identifiers.
	ListClients(ctx context.Context, page Page) ([]Client, error)
	// CreateClient adds a client, or returns ErrExists or ErrNameTaken. A zero NotBefore becomes
	// CreatedAt. A NotBefore that is earlier than a revocation under this name moves past it, so
	// that the tokens of the new client are not revoked, by whatever clock it was created. The
	// revocation in the change is recorded with that NotBefore: tokens of others under this name,
	// such as those of a subject that only its issuer knows, do not become the client's.
	CreateClient(ctx context.Context, c Client, by Change) error
	// UpdateClient replaces the client whose ID and Version are c's and increments the version.
	// ErrNotFound if the client was deleted, ErrConflict if its version has changed.
	UpdateClient(ctx context.Context, c Client, by Change) error
	// DeleteClient removes the client. The change has to revoke its access tokens, with a Before
	// that the engine moves past the client's NotBefore if necessary. Its families cannot be used
	// without it, and the sweep removes them. ErrNotFound if there is none.
	DeleteClient(ctx context.Context, id string, by Change) error
}
