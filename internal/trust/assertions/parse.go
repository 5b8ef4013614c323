package assertions

import (
	"crypto/sha256"
	"fmt"

	"authserver/internal/jose"
)

// MaxBytes bounds an assertion.
const MaxBytes = 16 << 10

// Parsed is an assertion that was read and not believed yet.
type Parsed struct {
	jose.Compact
	Claims map[string]any // numbers are json.Number
}

// GrantTypes are the values of the header "typ" that an assertion which is an
// authorization grant may have, "" for none (RFC 7523 §2.1).
func GrantTypes() []string { return []string{"", "jwt", "authorization-grant+jwt"} }

// ClientType is the header "typ" of an assertion by which a client proves itself
// (draft-ietf-oauth-rfc7523bis §4), which may be left out.
const ClientType = "client-authentication+jwt"

// Parse reads an assertion of one of the types without checking its signature, only
// to learn who is said to have made it. The error names what was wrong in words of
// our own.
func Parse(assertion string, types []string) (Parsed, error) {
	compact, err := jose.Parse(assertion, MaxBytes)
	if err != nil {
		return Parsed{}, err
	}
	return Read(compact, types)
}

// Read is [Parse] for a JWT whose form was read already.
func Read(compact jose.Compact, types []string) (Parsed, error) {
	// RFC 8725 §3.11: a token made for another purpose, such as an access token,
	// says so in its type and must not pass as an assertion.
	if !compact.Header.Is(types...) {
		return Parsed{}, fmt.Errorf("its typ is not that of an assertion: leave it out or set it to JWT")
	}
	claims, err := compact.Claims()
	return Parsed{compact, claims}, err
}

// Issuer is the "iss" of the assertion, unverified, or "". It is fit for a query, even
// if an attacker made it up.
func (p Parsed) Issuer() string {
	iss, err := jose.StringClaim(p.Claims, "iss")
	if err != nil {
		return ""
	}
	return iss
}

// Subject is whom the assertion speaks of by the claim that is its issuer's for that.
func (p Parsed) Subject(path string) (string, error) {
	value, ok := Claim(p.Claims, path)
	if !ok || value == "" {
		return "", fmt.Errorf("its claim %s, which names the subject, is missing", path)
	}
	subject, err := jose.StringClaim(map[string]any{path: value}, path)
	if err != nil {
		return "", err
	}
	// OpenID Connect Core §5.1, §5.7: an address that was not verified names no user.
	if verified, ok := p.Claims["email_verified"]; ok && path == "email" && verified != true && verified != "true" {
		return "", fmt.Errorf("its email_verified says that the address, which names the subject, is not the subject's")
	}
	return subject, nil
}

// ID names the assertion for [store.Assertions]: the SHA-256 of its jti, or of itself.
func (p Parsed) ID() (id [32]byte, err error) {
	jti, err := jose.StringClaim(p.Claims, "jti")
	if err != nil {
		return id, err
	}
	if jti != "" {
		return sha256.Sum256([]byte("jti\x00" + jti)), nil
	}
	// Not the signature: from one of ECDSA any attacker can make a second that is
	// valid.
	return sha256.Sum256([]byte("assertion\x00" + p.Input)), nil
}
