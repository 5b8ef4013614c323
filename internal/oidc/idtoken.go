package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"time"

	"authserver/internal/keys"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Signer signs JWTs with the keys of this server; it is [tokens.Minter].
type Signer interface {
	Sign(now time.Time, alg, typ, by string, claims any) (string, error)
}

// IDTokens makes ID tokens (Core §2).
type IDTokens struct {
	Issuer    string
	Signer    Signer
	Encrypter *Encrypter
	Pairwise  *tokens.Pairwise
	TTL       time.Duration // of an ID token; seconds count
}

// IDToken makes the ID token of a family, with hashes of the tokens and the code that come with it.
// It has the standard claims that the request asked for with the parameter claims. The claims of
// the family's scope are at UserInfo; the ID token has them too if the client gets no access token
// to call UserInfo, or is registered for it (§5.4).
func (t *IDTokens) IDToken(_ context.Context, now time.Time, client store.Client, user store.User, family store.Family, beside tokens.HashInputs) (string, error) {
	alg := client.IDTokenAlgorithm()
	subject, err := t.Pairwise.Subject(client.PairwiseSector(), user.ID)
	if err != nil {
		return "", err
	}
	var scope oauth.Scope
	if client.IDTokenScopeClaims || beside.AccessToken == "" && beside.Code == "" {
		scope = family.Scope.Intersect(client.Scopes)
	}
	claims := claimsOf(user, scope, Granted(family.Login.IDTokenClaims, client.Scopes))
	login := family.Login
	for name, value := range map[string]any{
		"iss": t.Issuer, "sub": subject, "aud": client.ID, "azp": client.ID,
		"iat": now.Unix(), "exp": now.Add(t.TTL).Unix(), "auth_time": login.AuthTime.Unix(),
	} {
		claims[name] = value
	}
	for name, text := range map[string]string{"at_hash": beside.AccessToken, "c_hash": beside.Code, "s_hash": beside.State} {
		if text == "" {
			continue
		}
		if claims[name], err = leftHash(alg, text); err != nil {
			return "", err
		}
	}
	if login.Nonce != "" {
		claims["nonce"] = login.Nonce
	}
	if login.ACR != "" {
		claims["acr"] = login.ACR
	}
	if len(login.AMR) > 0 {
		claims["amr"] = login.AMR
	}
	if !family.SessionID.IsZero() {
		claims["sid"] = family.SessionID.String()
	}
	signed, err := t.Signer.Sign(now, alg, tokens.PlainType, client.ID, claims)
	if err != nil {
		return "", err
	}
	return t.Encrypter.idToken(client, signed, nil)
}

// leftHash is the left half of the hash of a token, by the hash of the algorithm (§3.1.3.6).
// Ed25519 hashes with SHA-512.
func leftHash(alg, token string) (string, error) {
	var sum []byte
	switch alg {
	case keys.RS256, keys.PS256, keys.ES256:
		of := sha256.Sum256([]byte(token))
		sum = of[:]
	case keys.ES384:
		of := sha512.Sum384([]byte(token))
		sum = of[:]
	case keys.EdDSA:
		of := sha512.Sum512([]byte(token))
		sum = of[:]
	default:
		return "", fmt.Errorf("make an ID token: no hash belongs to the algorithm %q", alg)
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2]), nil
}
