package tokens

import (
	"encoding/json"
	"fmt"
	"time"

	"authserver/internal/keys"
)

// Claims is what a verified access token says.
type Claims struct {
	Issuer    string
	Subject   string
	Audience  []string
	ClientID  string
	ID        string // the claim "jti"
	Parsed    ID     // what it says
	ExpiresAt time.Time
	KID       string
	All       map[string]any // every claim; numbers are json.Number
}

// Verifier checks access tokens that this server is said to have made.
type Verifier struct {
	Issuer string
	Keys   interface {
		Public(kid string) (keys.PublicKey, bool)
	}
	// Skew is the time by which "nbf" may be ahead. Expiry has none: the clock that
	// wrote it is ours.
	Skew time.Duration
}

// Verify checks the signature, type, issuer and times of an access token
// (RFC 9068 §4). The algorithm is the key's and never the token's (RFC 8725
// §3.1). The error says which check failed, for the log and for people who
// inspect a token; it is not for the wire.
func (v *Verifier) Verify(now time.Time, token string) (Claims, error) {
	if len(token) > MaxAccessBytes {
		return Claims{}, fmt.Errorf("it is larger than %d bytes", MaxAccessBytes)
	}
	parsed, err := parseCompact(token)
	if err != nil {
		return Claims{}, fmt.Errorf("it is not a JWT: %w", err)
	}
	if typ, _ := parsed.header["typ"].(string); typ != AccessType { // RFC 9068 §4
		return Claims{}, fmt.Errorf("its typ is %q and not %q", typ, AccessType)
	}
	kid, _ := parsed.header["kid"].(string)
	key, ok := v.Keys.Public(kid)
	if !ok {
		return Claims{}, fmt.Errorf("its key is not one of this server's, or is not published any more")
	}
	if parsed.header["alg"] != key.Alg { // RFC 8725 §3.1
		return Claims{}, fmt.Errorf("its alg is not that of key %s", key.KID)
	}
	if err := parsed.signedBy(key); err != nil {
		return Claims{}, fmt.Errorf("its signature is not that of key %s: %w", key.KID, err)
	}
	claims, err := parseClaims(parsed.payload)
	if err != nil {
		return Claims{}, err
	}
	claims.KID = key.KID
	return claims, v.check(now, claims)
}

func (v *Verifier) check(now time.Time, c Claims) error {
	if c.Issuer != v.Issuer {
		return fmt.Errorf("its issuer is not %s", v.Issuer)
	}
	if !now.Before(c.ExpiresAt) {
		return fmt.Errorf("it expired at %s", c.ExpiresAt.Format(time.RFC3339))
	}
	if nbf, ok := numericDate(c.All["nbf"]); ok && now.Add(v.Skew).Before(nbf) {
		return fmt.Errorf("it is not valid before %s", nbf.Format(time.RFC3339))
	}
	return nil
}

func parseClaims(payload []byte) (Claims, error) {
	all, err := decodeObject(payload)
	if err != nil {
		return Claims{}, fmt.Errorf("its claims are malformed: %w", err)
	}
	c := Claims{All: all}
	c.Issuer, _ = all["iss"].(string)
	c.Subject, _ = all["sub"].(string)
	c.ClientID, _ = all["client_id"].(string)
	c.ID, _ = all["jti"].(string)
	switch aud := all["aud"].(type) {
	case string:
		c.Audience = []string{aud}
	case []any:
		for _, a := range aud {
			s, _ := a.(string)
			c.Audience = append(c.Audience, s)
		}
	}
	var ok bool
	if c.ExpiresAt, ok = numericDate(all["exp"]); !ok {
		return Claims{}, fmt.Errorf("its exp is missing or not a whole number")
	}
	if c.Parsed, err = ParseID(c.ID); err != nil {
		return Claims{}, err
	}
	return c, nil
}

// numericDate reads whole seconds since the epoch (RFC 7519 §2, NumericDate).
func numericDate(v any) (time.Time, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, false
	}
	seconds, err := n.Int64()
	if err != nil {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
}
