package verifier

import (
	"context"
	"fmt"
	"slices"
	"time"

	"authserver/internal/jose"
)

// maxToken bounds an access token, in bytes. The usual limits on headers allow it.
const maxToken = 16 << 10

// Verify verifies a bearer token (RFC 9068 §4). It refuses tokens that are bound to a key or
// a certificate, because checking the binding takes the request: see
// [Verifier.VerifyRequest]. The error is an [*Error], or wraps [ErrUnavailable] if the keys of
// the issuer are not known.
func (v *Verifier) Verify(ctx context.Context, token string) (*Token, error) {
	t, err := v.verify(ctx, token)
	if err != nil {
		return nil, err
	}
	if t.key != "" || t.certificate != "" {
		return nil, invalidToken(fmt.Errorf("it is bound to a key, whose possession was not proved"))
	}
	return t, nil
}

// verify verifies a token except for its binding. It checks the signature last, so that a token for
// another API causes no fetch of keys.
func (v *Verifier) verify(ctx context.Context, token string) (*Token, error) {
	c, err := jose.Parse(token, maxToken)
	if err != nil {
		return nil, invalidToken(err)
	}
	if err := v.checkType(c.Header); err != nil {
		return nil, invalidToken(err)
	}
	if !slices.Contains(v.o.Algorithms, c.Header.Alg) { // RFC 8725 §3.1
		return nil, invalidToken(fmt.Errorf("its alg is not accepted here"))
	}
	claims, err := c.Claims()
	if err != nil {
		return nil, invalidToken(err)
	}
	t, err := v.checkClaims(claims)
	if err != nil {
		return nil, invalidToken(err)
	}
	if err := checkKind(c.Header, claims); err != nil {
		return nil, invalidToken(err)
	}
	keys, err := v.keys.find(ctx, c.Header)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, invalidToken(fmt.Errorf("it was signed with a key that the issuer does not publish"))
	}
	for _, key := range keys {
		if c.SignedBy(c.Header.Alg, key.Public) {
			return t, nil
		}
	}
	return nil, invalidToken(fmt.Errorf("its signature is not one by the issuer"))
}

// checkClaims is the rest of RFC 9068 §4.
func (v *Verifier) checkClaims(claims map[string]any) (*Token, error) {
	if iss, _ := claims["iss"].(string); iss != v.issuer {
		return nil, fmt.Errorf("its iss is not the issuer that is trusted here")
	}
	audience, err := jose.Audience(claims)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(audience, v.audience) {
		return nil, fmt.Errorf("its aud does not have this API")
	}
	t, err := readToken(claims)
	if err != nil {
		return nil, err
	}
	return t, v.checkTimes(t)
}

func (v *Verifier) checkTimes(t *Token) error {
	var notBefore time.Time
	for _, date := range []struct {
		name     string
		required bool
		to       *time.Time
	}{{"exp", true, &t.ExpiresAt}, {"iat", true, &t.IssuedAt}, {"nbf", false, &notBefore}} {
		at, ok, err := jose.NumericDate(t.Claims, date.name)
		if err != nil {
			return err
		}
		if !ok && date.required {
			return fmt.Errorf("it has no %s", date.name)
		}
		*date.to = at
	}
	now := v.o.Now()
	switch {
	case !now.Before(t.ExpiresAt.Add(v.o.Skew)): // RFC 7519 §4.1.4: on or after
		return fmt.Errorf("it has expired")
	case t.IssuedAt.After(now.Add(v.o.Skew)), notBefore.After(now.Add(v.o.Skew)):
		return fmt.Errorf("it is not valid yet: its iat or nbf is in the future")
	}
	return nil
}
