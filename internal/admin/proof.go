package admin

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"time"

	"authserver/internal/trust/assertions"
)

// NewDPoPProof is a DPoP proof to be made (RFC 9449 §4.2).
type NewDPoPProof struct {
	Method      string                `field:"method"`
	URL         string                `field:"url"`
	Nonce       string                `field:"nonce"`        // "": none was asked for
	AccessToken string                `field:"access_token"` // the access token of the request, for an API; "": for a token endpoint
	Key         assertions.SigningKey `field:"key"`
	Alg         string                `field:"alg"` // "": the first that the key can do
}

// MakeDPoPProof makes a DPoP proof for a request. Like [SignAssertion] it needs no database,
// because it acts as a client.
func MakeDPoPProof(now time.Time, rand io.Reader, n NewDPoPProof) (string, error) {
	u, err := url.Parse(n.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", Faults{newFault("url", CodeInvalid, "it is the whole URL of the request, of https or http")}
	}
	u.RawQuery, u.ForceQuery, u.Fragment = "", false, ""
	key := n.Key
	if key.Key == nil {
		return "", Faults{newFault("key", CodeRequired, "a proof is made with one")}
	}
	key.Embed, key.KID, key.Alg = true, "", cmp.Or(n.Alg, key.Alg)
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
	proof, err := assertions.Sign("dpop+jwt", key, claims)
	if err != nil {
		return "", Faults{newFault("alg", CodeUnsupported, "%v", err)}
	}
	return proof, nil
}
