package tokens

import (
	"fmt"
	"strings"

	"authserver/internal/jose"
)

// The values of the header "typ" of an access token.
const (
	AccessType = "at+jwt" // RFC 9068 §2.1
	PlainType  = "JWT"    // RFC 7519 §5.1, for verifiers that accept nothing else
)

// AccessTypes returns the types that a resource may choose for its tokens, the default first.
func AccessTypes() []string { return []string{AccessType, PlainType} }

// LooksLikeAccessToken reports whether a JWT with this header "typ" and claim "iss", both
// unverified, claims to be an access token of the server self.
func LooksLikeAccessToken(typ, iss, self string) bool {
	h := jose.Header{Typ: typ}
	return h.Is(AccessType) || isPlain(h) && iss == self && self != ""
}

func isPlain(h jose.Header) bool { return h.Is(strings.ToLower(PlainType)) }

// checkKind refuses a JWT of this server that is not an access token. The type [AccessType]
// suffices. A token of [PlainType] needs the claims of every access token (RFC 9068 §2.2), and must
// have none that only an ID token (OpenID Connect Core §2, §3.3.2.11) or a security event such as a
// logout token (RFC 8417 §2.2) has.
func checkKind(h jose.Header, c Claims) error {
	_, scoped := c.All["scope"].(string)
	if c.Subject == "" || c.ClientID == "" || !scoped {
		return fmt.Errorf("it has no sub, client_id or scope, which every access token of this server has")
	}
	if !isPlain(h) {
		return nil
	}
	for _, name := range foreignClaims() {
		if _, ok := c.All[name]; ok {
			return fmt.Errorf("its typ is %s and it has the claim %s, which no access token of this server has", PlainType, name)
		}
	}
	return nil
}

// foreignClaims returns the claims of other JWTs than access tokens. All of them are reserved.
func foreignClaims() []string {
	return []string{"nonce", "at_hash", "c_hash", "s_hash", "azp", "events"}
}
