package oidc

import (
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"authserver/internal/store"
	"authserver/internal/tokens"
)

// LogoutTokenType is the header "typ" of a logout token. No other JWT of this server has it, so
// none can be confused with a logout token (Back-Channel Logout 1.0 §2.4).
const LogoutTokenType = "logout+jwt"

// logoutTokenTTL is the lifetime of a logout token. Each attempt has a new one, so two minutes only
// cover the difference of clocks (§2.4).
const logoutTokenTTL = 2 * time.Minute

// LogoutTokens makes logout tokens (Back-Channel Logout 1.0 §2.4).
type LogoutTokens struct {
	Issuer    string
	Signer    Signer
	Encrypter *Encrypter
	Pairwise  *tokens.Pairwise
	Rand      io.Reader
}

// LogoutToken makes a logout token for a client. It has no nonce, so that no client accepts it as
// an ID token.
func (t *LogoutTokens) LogoutToken(now time.Time, client store.Client, userID string, id store.SessionID) (string, error) {
	subject, err := t.Pairwise.Subject(client.PairwiseSector(), userID)
	if err != nil {
		return "", err
	}
	var jti [16]byte
	if _, err := io.ReadFull(t.Rand, jti[:]); err != nil {
		return "", fmt.Errorf("name a logout token: %w", err)
	}
	signed, err := t.Signer.Sign(now, client.IDTokenAlgorithm(), LogoutTokenType, client.ID, map[string]any{
		"iss": t.Issuer, "aud": client.ID, "iat": now.Unix(), "exp": now.Add(logoutTokenTTL).Unix(), "jti": base64.RawURLEncoding.EncodeToString(jti[:]),
		"sub": subject, "sid": id.String(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	})
	if err != nil {
		return "", err
	}
	return t.Encrypter.idToken(client, signed, map[string]string{"iss": t.Issuer}) // §2.4: SHOULD replicate iss
}
