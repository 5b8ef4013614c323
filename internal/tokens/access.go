package tokens

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"authserver/internal/jose"
	"authserver/internal/keys"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// AccessType is the header "typ" of an access token (RFC 9068 §2.1).
const AccessType = "at+jwt"

// MaxAccessBytes bounds an access token, so that it fits into the header of a
// request beside everything else.
const MaxAccessBytes = 8 << 10

// Access is what an access token is to say.
type Access struct {
	Subject     string
	ClientID    string
	Audience    []string // resource identifiers; at least one
	Scope       oauth.Scope
	Roles       []string
	Permissions []string
	Custom      map[string]any // claims beside the registered ones, which it cannot override
	Family      store.FamilyID // zero: of no family
	// ClientNotBefore and SubjectNotBefore are the NotBefore of the client and of the
	// user or client that the subject is, as they were read for this token; zero for
	// a subject that only its issuer knows.
	ClientNotBefore  store.Moment
	SubjectNotBefore store.Moment
	// Confirmation is the key that whoever uses the token has to possess.
	Confirmation Confirmation
	// Act is who acts for the subject (RFC 8693 §4.1); nil: nobody does.
	Act        map[string]any
	Encryption Encryption
	Alg        string
	TTL        time.Duration
}

// Encryption is to whom an access token is encrypted once it is signed (RFC 7519
// §5.2); the zero Encryption is of tokens that are not.
type Encryption struct {
	JWK string // as [jose.CheckEncryptionKey] returned it
	Enc string // RFC 7518 §5.1
}

// Minter signs access tokens.
type Minter struct {
	Issuer string
	Keys   interface {
		Signer(alg string) (keys.Signer, error)
		Ready() error
	}
	// Backdate puts "nbf" so long before "iat", for resource servers whose clock is
	// behind ours.
	Backdate time.Duration
	// MaxTTL cuts the lifetime of every token: the key timeline and the memory of
	// revocations are laid out for it.
	MaxTTL time.Duration
	Rand   io.Reader
}

// Minted is a signed access token.
type Minted struct {
	Token     string
	ID        string
	ExpiresIn time.Duration
}

// Ready returns nil where every algorithm has a key that signs.
func (m *Minter) Ready() error {
	if err := m.Keys.Ready(); err != nil {
		return cannotSign(err)
	}
	return nil
}

// cannotSign asks the caller to come back: a key that is kept elsewhere may be out
// of reach for a while.
func cannotSign(err error) error {
	return oauth.Fail(oauth.Unavailable, "signer_failed", "the access token could not be signed; try again later").Because(err)
}

// Mint signs an access token (RFC 9068 §2) that is issued at now.
func (m *Minter) Mint(now time.Time, a Access) (Minted, error) {
	if len(a.Audience) == 0 {
		return Minted{}, fmt.Errorf("mint an access token: it has no audience") // RFC 9068 §2.2: aud is REQUIRED
	}
	signer, err := m.Keys.Signer(a.Alg)
	if notYet := (*keys.NotYet)(nil); errors.As(err, &notYet) {
		return Minted{}, oauth.Fail(oauth.Unavailable, "signing_key_pending",
			"access tokens for this resource cannot be signed yet: every verifier has to be able to know the key first; try again later").
			Because(err).After(max(notYet.At.Sub(now), time.Second))
	}
	if err != nil {
		return Minted{}, fmt.Errorf("mint an access token: %w", err)
	}
	id, err := ID{Family: a.Family, Client: milliseconds(a.ClientNotBefore), Subject: milliseconds(a.SubjectNotBefore)}.encode(m.Rand)
	if err != nil {
		return Minted{}, fmt.Errorf("mint an access token: %w", err)
	}
	ttl := min(a.TTL, m.MaxTTL).Truncate(time.Second)
	payload, err := json.Marshal(m.claims(now, ttl, id, a))
	if err != nil {
		return Minted{}, fmt.Errorf("mint an access token: encode its claims: %w", err)
	}
	token, err := sign(signer, payload)
	if err != nil {
		return Minted{}, cannotSign(fmt.Errorf("mint an access token: %w", err))
	}
	if a.Encryption != (Encryption{}) {
		if token, err = jose.Encrypt(token, json.RawMessage(a.Encryption.JWK), a.Encryption.Enc); err != nil {
			return Minted{}, fmt.Errorf("mint an access token: %w", err)
		}
	}
	if len(token) > MaxAccessBytes {
		return Minted{}, oauth.Fail(oauth.ServerError, "token_too_large", fmt.Sprintf(
			"the access token would be larger than %d bytes: an administrator has to take roles, permissions or claims away", MaxAccessBytes))
	}
	return Minted{Token: string(token), ID: id, ExpiresIn: ttl}, nil
}

// claims lays out the payload. The custom claims go in first, so that none can
// override a registered one (RFC 8725 §3.12 depends on who said it).
func (m *Minter) claims(now time.Time, ttl time.Duration, id string, a Access) map[string]any {
	claims := make(map[string]any, len(a.Custom)+11)
	for name, value := range a.Custom {
		if !Reserved(name) {
			claims[name] = value
		}
	}
	claims["iss"] = m.Issuer
	claims["sub"] = a.Subject
	claims["aud"] = audience(a.Audience)
	claims["iat"] = now.Unix()
	claims["nbf"] = now.Add(-m.Backdate).Unix()
	claims["exp"] = now.Add(ttl).Unix()
	claims["jti"] = id
	claims["client_id"] = a.ClientID
	claims["scope"] = a.Scope.String()
	if len(a.Roles) > 0 {
		claims["roles"] = a.Roles
	}
	if len(a.Permissions) > 0 {
		claims["permissions"] = a.Permissions
	}
	if a.Act != nil {
		claims["act"] = a.Act
	}
	if cnf := a.Confirmation.claim(); cnf != nil {
		claims["cnf"] = cnf
	}
	return claims
}

// audience is a string for one resource and an array for several (RFC 7519 §4.1.3).
func audience(resources []string) any {
	if len(resources) == 1 {
		return resources[0]
	}
	return resources
}

// Reserved reports whether a claim is the server's own to set, so that custom
// claims may not be called so.
func Reserved(claim string) bool { return slices.Contains(reservedClaims(), claim) }

func reservedClaims() []string {
	return []string{
		"iss", "sub", "aud", "exp", "nbf", "iat", "jti", // RFC 7519 §4.1
		"client_id", "scope", // RFC 9068 §2.2
		"roles", "permissions", // the user's or the client's own
		"cnf", "act", "may_act", // RFC 7800, RFC 8693
		"auth_time", "acr", "amr", "azp", "nonce", "sid", // OpenID Connect Core §2
		"active", "username", "token_type", // RFC 7662 §2.2
	}
}

func sign(signer keys.Signer, payload []byte) ([]byte, error) {
	headers := jws.NewHeaders()
	for name, value := range map[string]any{jws.TypeKey: AccessType, jws.KeyIDKey: signer.KID} {
		if err := headers.Set(name, value); err != nil {
			return nil, fmt.Errorf("set the header %q: %w", name, err)
		}
	}
	token, err := jws.Sign(payload, jws.WithKey(jwa.SignatureAlgorithm(signer.Alg), signer.Key, jws.WithProtectedHeaders(headers)))
	if err != nil {
		return nil, fmt.Errorf("sign with key %s: %w", signer.KID, err)
	}
	return token, nil
}
