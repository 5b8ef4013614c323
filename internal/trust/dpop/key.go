package dpop

import (
	"crypto"
	"encoding/base64"
	"fmt"

	"authserver/internal/jose"
)

// publicKey returns the key in the header's jwk, and its thumbprint, which bound tokens name.
func publicKey(h jose.Header) (public any, jkt string, err error) {
	members, ok := h.All["jwk"].(map[string]any)
	if !ok {
		return nil, "", fmt.Errorf("its header has no jwk")
	}
	if jose.HoldsSecret(members) {
		return nil, "", fmt.Errorf("its jwk contains a private key or a shared secret: replace that key, because others may know it now")
	}
	unusable := fmt.Errorf("its jwk is not a public key of a supported kind")
	key, public, err := jose.PublicKey(members)
	if err != nil {
		return nil, "", unusable
	}
	thumbprint, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, "", unusable
	}
	return public, base64.RawURLEncoding.EncodeToString(thumbprint), nil
}
