package dpop

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"authserver/internal/jose"
)

// Bounds on a proof, in bytes. A key of RSA with 8192 bits and its signature fit.
const (
	MaxProof = 8 << 10
	MaxID    = 256
)

// Proof is what a proof that was checked says.
type Proof struct {
	JKT      string   // base64url of the SHA-256 thumbprint of its key (RFC 7638)
	ID       [32]byte // names the proof among those of all keys, for refusing it the second time
	IssuedAt time.Time
	Nonce    string // "": it has none
}

// Expect is the request that a proof is to be for.
type Expect struct {
	Method      string
	URLs        []string      // by which the client may have called it; query and fragment are passed over
	AccessToken string        // the token that comes with the proof; "": none does, as at a token endpoint
	Now         time.Time     //
	MaxAge      time.Duration // since the iat of the proof
	Skew        time.Duration // by which the clocks may differ, either way
}

// Algorithms returns the algorithms that a proof may be signed with, for metadata and
// challenges (RFC 9449 §5.1, §7.1).
func Algorithms() []string { return jose.Algorithms() }

// Check checks a proof against a request (RFC 9449 §4.3) but for its nonce and for having
// been seen before. A proof can be good until its IssuedAt plus MaxAge and Skew; that is
// how long its ID has to be kept. The error says which check failed, and nothing of the
// proof.
func Check(proof string, e Expect) (Proof, error) {
	c, err := jose.Parse(proof, MaxProof)
	if err != nil {
		return Proof{}, err
	}
	if !c.Header.Is("dpop+jwt") {
		return Proof{}, fmt.Errorf("its typ is not dpop+jwt")
	}
	if !slices.Contains(Algorithms(), c.Header.Alg) {
		return Proof{}, fmt.Errorf("its alg is not one that a proof may have")
	}
	claims, err := c.Claims()
	if err != nil {
		return Proof{}, err
	}
	if err := e.checkRequest(claims); err != nil {
		return Proof{}, err
	}
	checked := Proof{}
	if checked.IssuedAt, err = e.checkTime(claims); err != nil {
		return Proof{}, err
	}
	if checked.Nonce, err = jose.Text(claims, "nonce"); err != nil {
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
	if !c.SignedBy(c.Header.Alg, public) { // the dearest check is the last
		return Proof{}, fmt.Errorf("its signature was not made by the key in its jwk, with its alg")
	}
	checked.JKT, checked.ID = jkt, sha256.Sum256([]byte("dpop\x00"+jkt+"\x00"+jti))
	return checked, nil
}

// checkRequest holds the proof to the request it came with: method, URL and token.
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
	at, ok, err := jose.Date(claims, "iat")
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
