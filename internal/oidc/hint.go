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

// Hints reads ID tokens that come back as id_token_hint.
type Hints struct {
	Issuer string
	Keys   interface {
		Public(kid string) (keys.PublicKey, bool)
	}
	// Decrypter opens ID tokens that a client encrypted to this server; it is [keys.Manager].
	Decrypter interface {
		Decrypt(token string) ([]byte, error)
	}
	Pairwise *tokens.Pairwise
}

// Hint is the content of an id_token_hint.
type Hint struct {
	Subject   string   // as its client knows the person
	Audience  []string // the client; never empty
	SessionID string   // the claim "sid"; "": it has none
}

// unpublished is the error of a hint whose key this server no longer publishes.
type unpublished struct{}

func (unpublished) Error() string { return "no published key has its identifier" }

// Read reads an ID token that this server made. It may have expired. The error says which check
// failed, for the log. The client has to decrypt an ID token that was encrypted to it, and may
// encrypt the signed ID token to this server (Core §3.1.2.1, "id_token_hint").
func (h Hints) Read(idToken string) (Hint, error) {
	if jose.IsEncrypted(idToken) && len(idToken) <= maxHint {
		signed, err := h.Decrypter.Decrypt(idToken)
		if err != nil {
			return Hint{}, fmt.Errorf("it is encrypted, and not to this server: the client has to decrypt it first: %w", err)
		}
		idToken = string(signed)
	}
	parsed, err := jose.Parse(idToken, maxHint)
	if err != nil {
		return Hint{}, err
	}
	key, published := h.Keys.Public(parsed.Header.KID)
	if !published && parsed.Header.KID != "" && slices.Contains(keys.Algorithms(), parsed.Header.Alg) {
		return Hint{}, unpublished{}
	}
	if !published || !parsed.SignedBy(key.Alg, key.Key) { // the algorithm is the key's (RFC 8725 §3.1)
		return Hint{}, fmt.Errorf("its signature is not that of the key that it names")
	}
	claims, err := parsed.Claims()
	if err != nil {
		return Hint{}, err
	}
	audience, err := jose.Audience(claims)
	if err != nil {
		return Hint{}, err
	}
	subject, _ := claims["sub"].(string)
	sid, _ := claims["sid"].(string)
	_, isAccessToken := claims["client_id"]
	switch {
	case parsed.Header.Typ != tokens.PlainType || isAccessToken || claims["azp"] == nil || subject == "" || len(audience) == 0:
		return Hint{}, fmt.Errorf("it is another JWT of this server, not an ID token")
	case claims["iss"] != h.Issuer:
		return Hint{}, fmt.Errorf("its issuer is not %s", h.Issuer)
	}
	return Hint{Subject: subject, Audience: audience, SessionID: sid}, nil
}

// Subject returns the subject that a client sees for a user.
func (h Hints) Subject(client store.Client, userID string) (string, error) {
	return h.Pairwise.Subject(client.PairwiseSector(), userID)
}

// HintSubject returns the subject of an ID token that this server made for the client (Core
// §3.1.2.1, "id_token_hint").
func (h Hints) HintSubject(client store.Client, idToken string) (string, error) {
	hint, err := h.Read(idToken)
	if err != nil {
		return "", err
	}
	if !slices.Contains(hint.Audience, client.ID) {
		return "", fmt.Errorf("it was made for another client")
	}
	return hint.Subject, nil
}
