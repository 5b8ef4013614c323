package admin

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"time"

	"authserver/internal/trust/assertions"
)

// NewProof is a DPoP proof to be made (RFC 9449 §4.2).
type NewProof struct {
	Method, URL string
	Nonce       string // "": none was asked for
	AccessToken string // that it is sent beside, to an API; "": to a token endpoint
	Key         []byte // a private key in PEM, or a JWK
	Alg         string // "": the first that the key can do
}

// MakeProof makes a proof that whoever sends a request has a key. As [SignAssertion] it
// needs no database: it stands for a client.
func MakeProof(now time.Time, rand io.Reader, n NewProof) (string, error) {
	u, err := url.Parse(n.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", invalid("--url is the whole URL of the request, of https or http")
	}
	u.RawQuery, u.ForceQuery, u.Fragment = "", false, ""
	key, err := assertions.ParsePrivateKey(n.Key)
	if err != nil {
		return "", invalid("--key-file: %w", err)
	}
	key.Embed, key.KID = true, ""
	if n.Alg != "" {
		key.Alg = n.Alg
	}
	id := make([]byte, 16)
	if _, err := io.ReadFull(rand, id); err != nil {
		return "", fmt.Errorf("make the jti: %w", err)
	}
	claims := map[string]any{"jti": base64.RawURLEncoding.EncodeToString(id), "htm": n.Method, "htu": u.String(), "iat": now.Unix()}
	if n.Nonce != "" {
		claims["nonce"] = n.Nonce
	}
	if n.AccessToken != "" {
		sum := sha256.Sum256([]byte(n.AccessToken))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	proof, err := assertions.SignAs("dpop+jwt", key, claims)
	if err != nil {
		return "", &Invalid{err}
	}
	return proof, nil
}
