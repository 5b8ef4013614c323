package tokens

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"

	"authserver/internal/admission"
	"authserver/internal/encryption"
	"authserver/internal/keys"
	"authserver/internal/oauth"
	"authserver/internal/parsed"
	"authserver/internal/store"
)

// MaxAccessBytes bounds an access token, so that it fits into the header of a request with
// everything else.
const MaxAccessBytes = 8 << 10

// Access is the content of an access token.
type Access struct {
	Subject string
	// Sector is set if the client gets a pairwise subject for the user; "": it gets Subject (OpenID
	// Connect Core §8).
	Sector      string
	ClientID    string
	Audience    []string // resource identifiers; at least one
	Scope       oauth.Scope
	Roles       []string
	Permissions []string
	Custom      map[string]any // claims in addition to the registered ones, which they cannot override
	Family      store.FamilyID // zero: of no family
	// ClientNotBefore and SubjectNotBefore are the NotBefore of the client and of the subject (a
	// user or a client), as they were read for this token; zero for a subject that only its issuer
	// knows.
	ClientNotBefore  store.Moment
	SubjectNotBefore store.Moment
	// Bounded is [ID]'s.
	Bounded bool
	// Confirmation is the key that the user of the token has to possess.
	Confirmation Confirmation
	// AuthTime, ACR and AMR are how the subject signed in (RFC 9068 §2.2.1). They are zero if
	// the subject did not sign in.
	AuthTime store.Moment
	ACR      string
	AMR      []string
	// UserinfoClaims are the claims that UserInfo returns in addition to those of the scope (OpenID
	// Connect Core §5.5).
	UserinfoClaims []string
	// Act is the party that acts for the subject (RFC 8693 §4.1); nil: none.
	Act        map[string]any
	Encryption Encryption
	Alg        string
	Typ        string // one of [AccessTypes]; "": the first
	TTL        time.Duration
}

// Encryption is the recipient to which an access token is encrypted after it is signed (RFC 7519
// §5.2); zero: the token is not encrypted.
type Encryption struct {
	JWK string // from [jose.CheckEncryptionKey]
	Enc string // RFC 7518 §5.1
}

// Minter signs access tokens.
type Minter struct {
	Issuer string
	Keys   interface {
		Signer(alg string) (keys.Signer, error)
		ReadyFor(alg string) error
	}
	// Backdate is how long "nbf" is before "iat", for resource servers whose clock is behind.
	Backdate time.Duration
	// MaxTTL bounds the lifetime of every token: the key timeline and the memory of revocations are
	// planned for it.
	MaxTTL time.Duration
	// Handles let the server revoke a token that it encrypted.
	Handles *Handles
	// Pairwise makes the subjects for clients with pairwise subjects.
	Pairwise *Pairwise
	// Turns bounds how many signatures are computed at once; the clients take turns. More at once
	// would make each slower, and delay cheaper requests. nil: there is no bound.
	Turns *admission.Gate
	Rand  io.Reader

	recipients parsed.Cache[encryption.Recipient] // of encrypted tokens
}

// Minted is a signed access token.
type Minted struct {
	Token     string
	ID        string
	ExpiresIn time.Duration
}

// sign waits for its turn if the signature uses a processor of this machine. A remote key uses
// none.
func (m *Minter) sign(signer keys.Signer, typ, by string, payload []byte) ([]byte, error) {
	if signer.Remote() {
		return sign(m.Rand, signer, typ, payload)
	}
	if m.Turns != nil {
		m.Turns.Take(by)
		defer m.Turns.Leave(by)
	}
	return sign(m.Rand, signer, typ, payload)
}

// Ready returns nil if a key signs with the algorithm now, as far as is known without a signature.
// Callers check it before they record a use.
func (m *Minter) Ready(now time.Time, alg string) error {
	if err := m.Keys.ReadyFor(alg); err != nil {
		return notReady(now, err)
	}
	return nil
}

// notReady asks the caller to retry, with the time if it is known.
func notReady(now time.Time, err error) error {
	notYet := (*keys.NotActiveError)(nil)
	if !errors.As(err, &notYet) {
		return cannotSign(err)
	}
	return oauth.Fail(oauth.Unavailable, "signing_key_pending",
		"tokens of this kind cannot be signed yet: every verifier has to be able to know the key first; try again later").
		Because(err).After(max(notYet.At.Sub(now), time.Second))
}

// cannotSign asks the caller to retry: a remote key may be out of reach for a while.
func cannotSign(err error) error {
	return oauth.Fail(oauth.Unavailable, "signer_failed", "the token could not be signed; try again later").Because(err)
}

// Mint signs an access token (RFC 9068 §2) that is issued at now.
func (m *Minter) Mint(now time.Time, a Access) (Minted, error) {
	if len(a.Audience) == 0 {
		return Minted{}, fmt.Errorf("mint an access token: it has no audience") // RFC 9068 §2.2: aud is REQUIRED
	}
	signer, err := m.Keys.Signer(a.Alg)
	if err != nil {
		return Minted{}, notReady(now, fmt.Errorf("mint an access token: %w", err))
	}
	id, err := ID{Family: a.Family, Client: milliseconds(a.ClientNotBefore), Subject: milliseconds(a.SubjectNotBefore), Bounded: a.Bounded}.encode(m.Rand)
	if err != nil {
		return Minted{}, fmt.Errorf("mint an access token: %w", err)
	}
	ttl := min(a.TTL, m.MaxTTL).Truncate(time.Second)
	if ttl <= 0 {
		return Minted{}, fmt.Errorf("mint an access token: it would have expired before it is issued")
	}
	payload, err := m.claims(now, ttl, id, a)
	if err != nil {
		return Minted{}, fmt.Errorf("mint an access token: encode its claims: %w", err)
	}
	token, err := m.sign(signer, cmp.Or(a.Typ, AccessType), a.ClientID, payload)
	if err != nil {
		return Minted{}, cannotSign(fmt.Errorf("mint an access token: %w", err))
	}
	if a.Encryption != (Encryption{}) {
		if token, err = m.encrypt(token, now, id, now.Add(ttl), a); err != nil {
			return Minted{}, fmt.Errorf("mint an access token: %w", err)
		}
	}
	if len(token) > MaxAccessBytes {
		return Minted{}, oauth.Fail(oauth.ServerError, "token_too_large", fmt.Sprintf(
			"the access token would be larger than %d bytes: an administrator has to take roles, permissions or claims away", MaxAccessBytes))
	}
	return Minted{Token: string(token), ID: id, ExpiresIn: ttl}, nil
}

// encrypt encrypts a signed token to its resource.
func (m *Minter) encrypt(signed []byte, now time.Time, id string, expires time.Time, a Access) ([]byte, error) {
	handle, err := m.Handles.seal(m.Rand, now, id, a.ClientID, expires)
	if err != nil {
		return nil, err
	}
	recipient, err := m.recipients.Get([]byte(a.Encryption.JWK), encryption.ParseRecipient)
	if err != nil {
		return nil, err
	}
	return recipient.Encrypt(signed, encryption.Form{Enc: a.Encryption.Enc, Header: map[string]string{handleMember: handle}})
}
