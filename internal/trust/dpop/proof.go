package dpop

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"authserver/internal/jose"
)

// Bounds on a proof, in bytes. They allow an RSA key of 8192 bits with its signature.
const (
	MaxProof = 8 << 10
	MaxID    = 256
)

// Proof is the content of a checked proof.
type Proof struct {
	JKT      string   // base64url of the SHA-256 thumbprint of its key (RFC 7638)
	Alg      string   // of its signature
	ID       [32]byte // identifies the proof among those of all keys, to refuse it the second time
	IssuedAt time.Time
	Nonce    string // "": none
}

// Expect describes the request that a proof must be for.
type Expect struct {
	Method      string
	Algorithms  []string // that its signature may have; nil: all
	URLs        []string // which the client may have called; query and fragment are ignored
	AccessToken string   // the token that comes with the proof; "": none, as at a token endpoint
	Now         time.Time
	MaxAge      time.Duration // since the iat of the proof
	Skew        time.Duration // by which the two clocks may differ, in either direction
}

// Algorithms returns the signature algorithms of proofs if they are limited, for metadata and
// challenges (RFC 9449 §5.1, §7.1); nil: they are not limited.
func Algorithms(only []string) []string { return jose.Common(jose.Algorithms(), only) }

// Check checks a proof against a request (RFC 9449 §4.3), except for its nonce and for an earlier
// use. The caller has to keep its ID until IssuedAt plus MaxAge and Skew, because the proof may be
// valid until then. The error says which check failed, and quotes nothing of the proof.
func Check(proof string, e Expect) (Proof, error) {
	c, err := jose.Parse(proof, MaxProof)
	if err != nil {
		return Proof{}, err
	}
	if !c.Header.Is("dpop+jwt") {
		return Proof{}, fmt.Errorf("its typ is not dpop+jwt")
	}
	if allowed := Algorithms(e.Algorithms); !slices.Contains(allowed, c.Header.Alg) { // RFC 8725 §3.1
		return Proof{}, fmt.Errorf("its alg is not supported for proofs: sign with %s", strings.Join(allowed, ", "))
	}
	claims, err := c.Claims()
	if err != nil {
		return Proof{}, err
	}
	if err := e.checkRequest(claims); err != nil {
		return Proof{}, err
	}
	checked := Proof{Alg: c.Header.Alg}
	if checked.IssuedAt, err = e.checkTime(claims); err != nil {
		return Proof{}, err
	}
	if checked.Nonce, err = jose.StringClaim(claims, "nonce"); err != nil {
		return Proof{}, err
	}
	jti, ok := claims["jti"].(string)
	if !ok || jti == "" || len(jti) > MaxID {
		return Proof{}, fmt.Errorf("its jti is not a string of 1 to %d bytes", MaxID)
	}
	public, jkt, err := publicKey(c.Header)
	if err != nil {
		return Proof{}, err
	}
	if !c.SignedBy(c.Header.Alg, public) { // the most expensive check comes last
		return Proof{}, fmt.Errorf("its signature was not made by the key in its jwk, with its alg")
	}
	checked.JKT, checked.ID = jkt, sha256.Sum256([]byte("dpop\x00"+jkt+"\x00"+jti))
	return checked, nil
}

// checkRequest compares the proof with the method, the URL and the token of the request.
func (e Expect) checkRequest(claims map[string]any) error {
	if htm, _ := claims["htm"].(string); htm == "" || htm != e.Method {
		return fmt.Errorf("its htm is not the method of the request")
	}
	htu, _ := claims["htu"].(string)
	said, err := normalise(htu)
	if err != nil {
		return fmt.Errorf("its htu is not an http or https URL")
	}
	if !slices.ContainsFunc(e.URLs, func(called string) bool { n, err := normalise(called); return err == nil && n == said }) {
		return fmt.Errorf("its htu is not the URL of the request")
	}
	if e.AccessToken == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(e.AccessToken))
	if ath, _ := claims["ath"].(string); ath != base64.RawURLEncoding.EncodeToString(sum[:]) {
		return fmt.Errorf("its ath is not the hash of the access token")
	}
	return nil
}

func (e Expect) checkTime(claims map[string]any) (time.Time, error) {
	at, ok, err := jose.NumericDate(claims, "iat")
	switch {
	case err != nil:
		return time.Time{}, err
	case !ok:
		return time.Time{}, fmt.Errorf("it has no iat")
	case at.After(e.Now.Add(e.Skew)):
		return time.Time{}, fmt.Errorf("its iat is in the future")
	case at.Before(e.Now.Add(-e.MaxAge - e.Skew)):
		return time.Time{}, fmt.Errorf("its iat is too long ago")
	}
	return at, nil
}
