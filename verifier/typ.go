package verifier

import (
	"fmt"
	"slices"
	"strings"

	"authserver/internal/jose"
)

// The values of the header "typ" of access tokens: of RFC 9068 §2.1, and of RFC 7519 §5.1,
// which every JWT may have.
const (
	accessType = "at+jwt"
	plainType  = "JWT"
)

func tokenTypes() []string { return []string{accessType, plainType} }

// checkType requires one of the accepted types (RFC 9068 §4), so that no other JWT of the issuer is
// accepted as an access token.
func (v *Verifier) checkType(h jose.Header) error {
	if !slices.ContainsFunc(v.o.TokenTypes, func(typ string) bool { return h.Is(strings.ToLower(typ)) }) {
		return fmt.Errorf("its typ is not %s", strings.Join(v.o.TokenTypes, " or "))
	}
	return nil
}

// checkKind refuses the other JWTs that may have the type "JWT" too: ID tokens (OpenID Connect Core
// §2, §3.3.2.11), and security events such as logout tokens (RFC 8417 §2.2). The caller requires
// sub, client_id, jti, iat and exp of each token.
func checkKind(h jose.Header, claims map[string]any) error {
	if !h.Is(strings.ToLower(plainType)) {
		return nil
	}
	for _, name := range []string{"nonce", "at_hash", "c_hash", "s_hash", "azp", "events"} {
		if _, ok := claims[name]; ok {
			return fmt.Errorf("its typ is JWT and it has the claim %s, which no access token has", name)
		}
	}
	return nil
}
