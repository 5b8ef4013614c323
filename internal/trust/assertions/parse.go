package assertions

import (
	"crypto/sha256"
	"fmt"

	"authserver/internal/jose"
)

// MaxBytes bounds an assertion.
const MaxBytes = 16 << 10

// Parsed is an assertion that was parsed and not verified yet.
type Parsed struct {
	jose.Compact
	Claims map[string]any // numbers are json.Number
}

// GrantTypes returns the values of the header "typ" for an assertion that is an authorization
// grant; "" is none (RFC 7523 §2.1).
func GrantTypes() []string { return []string{"", "jwt", "authorization-grant+jwt"} }

// ClientType is the header "typ" of an assertion that authenticates a client
// (draft-ietf-oauth-rfc7523bis §4). It may be absent.
const ClientType = "client-authentication+jwt"

// Parse reads an assertion of one of the types without checking its signature, only to learn which
// issuer it names. The error says what was wrong in our own words.
func Parse(assertion string, types []string) (Parsed, error) {
	compact, err := jose.Parse(assertion, MaxBytes)
	if err != nil {
		return Parsed{}, err
	}
	return Read(compact, types)
}

// Read is [Parse] for a JWT in parsed compact form.
func Read(compact jose.Compact, types []string) (Parsed, error) {
	// RFC 8725 §3.11: the type of a token for another purpose, such as an access token, says so,
	// and the token must not pass as an assertion.
	if !compact.Header.Is(types...) {
		return Parsed{}, fmt.Errorf("its typ is not that of an assertion: leave it out or set it to JWT")
	}
	claims, err := compact.Claims()
	return Parsed{compact, claims}, err
}

// Issuer returns the "iss" of the assertion, unverified, or "". It is safe in a query, even if an
// attacker made it up.
func (p Parsed) Issuer() string {
	iss, err := jose.StringClaim(p.Claims, "iss")
	if err != nil {
		return ""
	}
	return iss
}

// Subject returns the subject of the assertion: the claim at the path that its issuer uses for it.
func (p Parsed) Subject(path string) (string, error) {
	value, ok := Claim(p.Claims, path)
	if !ok || value == "" {
		return "", fmt.Errorf("its claim %s, which names the subject, is missing", path)
	}
	subject, err := jose.StringClaim(map[string]any{path: value}, path)
	if err != nil {
		return "", err
	}
	// OpenID Connect Core §5.1, §5.7: an address that was not verified does not identify a user.
	if verified, ok := p.Claims["email_verified"]; ok && path == "email" && verified != true && verified != "true" {
		return "", fmt.Errorf("its email_verified says that the address, which names the subject, is not the subject's")
	}
	return subject, nil
}

// ID identifies the assertion for [store.Assertions]: the SHA-256 of its jti, or of the assertion
// itself.
func (p Parsed) ID() (id [32]byte, err error) {
	jti, err := jose.StringClaim(p.Claims, "jti")
	if err != nil {
		return id, err
	}
	if jti != "" {
		return sha256.Sum256([]byte("jti\x00" + jti)), nil
	}
	// The ID does not cover the signature: from one ECDSA signature any attacker can make a second
	// valid one.
	return sha256.Sum256([]byte("assertion\x00" + p.Input)), nil
}
