package dpop

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/jose"
)

// publicKey returns the key in the header's jwk, and the thumbprint by which tokens are
// bound to it.
func publicKey(h jose.Header) (public any, jkt string, err error) {
	members, ok := h.All["jwk"].(map[string]any)
	if !ok {
		return nil, "", fmt.Errorf("its header has no jwk")
	}
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} { // RFC 7518 §6: all that is private or secret
		if _, ok := members[name]; ok {
			return nil, "", fmt.Errorf("its jwk holds a private key or a shared secret: that key is known to others now")
		}
	}
	only := map[string]string{}
	for _, name := range []string{"kty", "crv", "x", "y", "n", "e"} {
		if value, ok := members[name].(string); ok {
			only[name] = value
		}
	}
	unusable := fmt.Errorf("its jwk is not a public key that signatures are checked with here")
	data, err := json.Marshal(only)
	if err != nil {
		return nil, "", unusable
	}
	key, err := jwk.ParseKey(data)
	if err != nil || key.Raw(&public) != nil || len(jose.AlgorithmsFor(public)) == 0 {
		return nil, "", unusable
	}
	thumbprint, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, "", unusable
	}
	return public, base64.RawURLEncoding.EncodeToString(thumbprint), nil
}
