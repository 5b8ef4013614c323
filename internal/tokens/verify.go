package tokens

import (
	"errors"
	"fmt"
	"time"

	"authserver/internal/jose"
	"authserver/internal/keys"
	"authserver/internal/oauth"
	"authserver/internal/parsed"
	"authserver/internal/store"
)

// Claims is the content of a verified access token.
type Claims struct {
	Issuer    string
	Subject   string // the user's id, even if the token has a pairwise subject; see Pairwise
	Pairwise  bool   // the claim "sub" is a pairwise subject
	Audience  []string
	ClientID  string
	ID        string // the claim "jti"
	Parsed    ID     // its content
	ExpiresAt time.Time
	KID       string
	All       map[string]any // every claim; numbers are json.Number
	Payload   []byte         // the same as it was signed: a JSON object
}

// Scope returns the claim "scope". This server signs none that is malformed.
func (c Claims) Scope() oauth.Scope {
	text, _ := c.All["scope"].(string)
	scope, err := oauth.ParseScope(text)
	if err != nil {
		return nil
	}
	return scope
}

// IssuedTo reports whether the token was issued to the client, whatever happened to its
// registration since. A token without a client has the issuer's name as its client_id, and does not
// belong to a client that is registered under that name.
func (c Claims) IssuedTo(client store.Client) bool {
	return c.ClientID == client.ID && c.Parsed.Client != 0
}

// Verifier verifies access tokens of this server.
type Verifier struct {
	Issuer string
	Keys   interface {
		Public(kid string) (keys.PublicKey, bool)
	}
	// Pairwise finds the users of pairwise subjects; nil: none is known.
	Pairwise *Pairwise
	// Skew is the time by which "nbf" may be ahead. Expiry has none: this server wrote it.
	Skew time.Duration

	// signed remembers tokens whose signature was valid, by their hash. An API introspects the same
	// token with every request that it gets, and the signature is the largest cost of an answer.
	signed parsed.Cache[struct{}]
}

// Verify checks the signature, type, issuer and times of an access token (RFC 9068 §4). The
// algorithm is the key's and never the token's (RFC 8725 §3.1). The error says which check failed,
// for the log and for token inspect; it is not for the wire.
func (v *Verifier) Verify(now time.Time, token string) (Claims, error) {
	presented, err := jose.Parse(token, MaxAccessBytes)
	if err != nil {
		return Claims{}, invalid(tokenMalformed, err)
	}
	if !presented.Header.Is(AccessType) && !isPlain(presented.Header) { // RFC 9068 §4
		return Claims{}, invalid(tokenOtherKind, fmt.Errorf("its typ is %q and not %q or %q", presented.Header.Typ, AccessType, PlainType))
	}
	key, ok := v.Keys.Public(presented.Header.KID)
	if !ok {
		return Claims{}, invalid(tokenUnknownKey, errors.New("its key is not one of this server's, or is not published any more"))
	}
	if presented.Header.Alg != key.Alg { // RFC 8725 §3.1
		return Claims{}, invalid(tokenSignature, fmt.Errorf("its alg is not that of key %s", key.KID))
	}
	if err := v.checkSignature(token, presented, key); err != nil {
		return Claims{}, invalid(tokenSignature, err)
	}
	claims, err := parseClaims(presented)
	if err != nil {
		return Claims{}, invalid(tokenMalformed, err)
	}
	claims.KID = key.KID
	user, pairwise, err := v.Pairwise.User(claims.Subject)
	if err != nil {
		return Claims{}, err
	}
	if pairwise {
		claims.Subject, claims.Pairwise = user, true
	}
	if err := v.check(now, claims); err != nil {
		return claims, err
	}
	return claims, invalid(tokenOtherKind, checkKind(presented.Header, claims))
}

// checkSignature verifies each token once. The bytes of a token say with which key it was signed,
// since the kid in them is the thumbprint of that key, so a valid signature stays valid. Whether
// the key is still published, and everything else, is checked each time.
func (v *Verifier) checkSignature(token string, presented jose.Compact, key keys.PublicKey) error {
	_, err := v.signed.Get([]byte(token), func([]byte) (struct{}, error) {
		if !presented.SignedBy(key.Alg, key.Key) {
			return struct{}{}, fmt.Errorf("its signature is not that of key %s", key.KID)
		}
		return struct{}{}, nil
	})
	return err
}

func (v *Verifier) check(now time.Time, c Claims) error {
	if c.Issuer != v.Issuer {
		return invalid(tokenOtherIssuer, fmt.Errorf("its issuer is not %s", v.Issuer))
	}
	if !now.Before(c.ExpiresAt) {
		return invalid(tokenExpired, fmt.Errorf("it expired at %s", c.ExpiresAt.Format(time.RFC3339)))
	}
	nbf, ok, err := jose.NumericDate(c.All, "nbf")
	if err != nil {
		return invalid(tokenMalformed, err)
	}
	if ok && now.Add(v.Skew).Before(nbf) {
		return invalid(tokenNotYet, fmt.Errorf("it is not valid before %s", nbf.Format(time.RFC3339)))
	}
	return nil
}

func parseClaims(token jose.Compact) (Claims, error) {
	all, err := token.Claims()
	if err != nil {
		return Claims{}, err
	}
	c := Claims{All: all, Payload: token.Payload}
	c.Issuer, _ = all["iss"].(string)
	c.Subject, _ = all["sub"].(string)
	c.ClientID, _ = all["client_id"].(string)
	c.ID, _ = all["jti"].(string)
	if c.Audience, err = jose.Audience(all); err != nil {
		return Claims{}, err
	}
	var ok bool
	if c.ExpiresAt, ok, err = jose.NumericDate(all, "exp"); err != nil || !ok {
		return Claims{}, fmt.Errorf("its exp is missing or not a number of seconds")
	}
	if c.Parsed, err = ParseID(c.ID); err != nil {
		return Claims{}, err
	}
	return c, nil
}
