package oidc

import (
	"fmt"
	"slices"

	"authserver/internal/jose"
	"authserver/internal/keys"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// maxHint bounds an ID token that comes back, in bytes.
const maxHint = 16 << 10

// Hints reads ID tokens that come back to this server.
type Hints struct {
	Issuer string
	Keys   interface {
		Public(kid string) (keys.PublicKey, bool)
	}
	Subjects
}

// Hinted returns the subject of an ID token that this server made for the client. It may
// have expired (Core §3.1.2.1, "id_token_hint"). The error says which check failed, for the
// log.
func (h Hints) Hinted(client store.Client, idToken string) (string, error) {
	parsed, err := jose.Parse(idToken, maxHint)
	if err != nil {
		return "", err
	}
	key, published := h.Keys.Public(parsed.Header.KID)
	if !published || !parsed.SignedBy(key.Alg, key.Key) { // the algorithm is the key's (RFC 8725 §3.1)
		return "", fmt.Errorf("its signature is not that of a published key")
	}
	claims, err := parsed.Claims()
	if err != nil {
		return "", err
	}
	audience, err := jose.Audience(claims)
	if err != nil {
		return "", err
	}
	subject, _ := claims["sub"].(string)
	_, isAccessToken := claims["client_id"]
	switch {
	case parsed.Header.Typ != tokens.PlainType || isAccessToken || claims["azp"] == nil || subject == "":
		return "", fmt.Errorf("it is another JWT of this server and no ID token")
	case claims["iss"] != h.Issuer:
		return "", fmt.Errorf("its issuer is not %s", h.Issuer)
	case !slices.Contains(audience, client.ID):
		return "", fmt.Errorf("it was made for another client")
	}
	return subject, nil
}
