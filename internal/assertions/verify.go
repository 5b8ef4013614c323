package assertions

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"authserver/internal/store"
)

// Verifier checks assertions against what their issuer was registered with.
type Verifier struct {
	// Audiences are the names under which this server may be addressed: its issuer
	// identifier and the URL of its token endpoint (RFC 7523 §3, item 3).
	Audiences []string
	Skew      time.Duration // by which the issuer's clock may differ
	Opener    Opener
}

// Assertion is an assertion that was believed.
type Assertion struct {
	Issuer  string
	Subject string // the value of the issuer's subject claim
	Scope   string // the claim "scope", as Google's and Salesforce's clients send it; "" where there is none
	// ID names the assertion for [store.Assertions]: the SHA-256 of its jti, or of
	// itself.
	ID        [32]byte
	HasJTI    bool
	ExpiresAt time.Time // when it can be forgotten: exp and the skew
}

// errSignature is the answer where no candidate verified.
var errSignature = errors.New("its signature was made by none of the issuer's registered keys")

// Fault is an error of the server and not of the assertion, such as a secret that
// does not unseal.
type Fault struct{ cause error }

func (f *Fault) Error() string { return f.cause.Error() }
func (f *Fault) Unwrap() error { return f.cause }

// Verify checks an assertion of a registered issuer (RFC 7523 §3). The error says
// in words of our own which check failed; a [Fault] is not for the wire.
func (v *Verifier) Verify(now time.Time, p Parsed, issuer store.Issuer) (Assertion, error) {
	if !slices.Contains(issuer.Algorithms, p.Header.Alg) { // RFC 8725 §3.1
		return Assertion{}, fmt.Errorf("its alg is not one that the issuer is registered with")
	}
	keys, err := candidates(now, v.Opener, issuer, p.Header)
	if err != nil {
		return Assertion{}, err
	}
	if !signedByOne(p, keys) {
		return Assertion{}, errSignature
	}
	return v.check(now, p, issuer)
}

// signedByOne checks the signature over the very bytes that were received. Verify
// of jws checks it over what it encodes anew, and so passes white space that
// somebody put around the header: the same assertion under another name.
func signedByOne(p Parsed, keys []any) bool {
	verifier, err := jws.NewVerifier(jwa.SignatureAlgorithm(p.Header.Alg))
	if err != nil {
		return false
	}
	return slices.ContainsFunc(keys, func(key any) bool {
		return verifier.Verify([]byte(p.input), p.signature, key) == nil
	})
}

// check goes through the claims in the order of RFC 7523 §3.
func (v *Verifier) check(now time.Time, p Parsed, issuer store.Issuer) (Assertion, error) {
	a := Assertion{Issuer: p.Issuer()}
	var err error
	if a.Issuer != issuer.ID { // item 1
		return Assertion{}, fmt.Errorf("its iss is not the issuer's identifier")
	}
	if a.Subject, err = text(p.Claims, issuer.SubjectClaim); err != nil { // item 2
		return Assertion{}, err
	}
	if a.Subject == "" {
		return Assertion{}, fmt.Errorf("its claim %s, which names the subject, is missing", issuer.SubjectClaim)
	}
	// OpenID Connect Core §5.1, §5.7: an address that nobody proved names nobody.
	if verified, ok := p.Claims["email_verified"]; ok && issuer.SubjectClaim == "email" && verified != true && verified != "true" {
		return Assertion{}, fmt.Errorf("its email_verified says that the address, which names the subject, is not the subject's")
	}
	if err := v.checkAudience(p.Claims["aud"]); err != nil { // item 3
		return Assertion{}, err
	}
	expires, err := v.checkTimes(now, p.Claims, issuer.MaxLifetime) // items 4 to 6
	if err != nil {
		return Assertion{}, err
	}
	a.ExpiresAt = expires.Add(v.Skew)
	jti, err := text(p.Claims, "jti") // item 7
	if err != nil {
		return Assertion{}, err
	}
	a.HasJTI = jti != ""
	// Not the signature: from one of ECDSA anybody makes a second that is valid.
	a.ID = sha256.Sum256([]byte("assertion\x00" + p.input))
	if a.HasJTI {
		a.ID = sha256.Sum256([]byte("jti\x00" + jti))
	}
	a.Scope, err = text(p.Claims, "scope")
	return a, err
}

// checkAudience wants this server named, and nobody beside it: with a stranger in
// the audience the assertion could be replayed here by the stranger.
func (v *Verifier) checkAudience(aud any) error {
	var names []any
	switch a := aud.(type) {
	case string:
		names = []any{a}
	case []any:
		names = a
	}
	if len(names) == 0 {
		return fmt.Errorf("its aud is missing: it must be %s", strings.Join(v.Audiences, " or "))
	}
	for _, name := range names {
		if s, ok := name.(string); !ok || !slices.Contains(v.Audiences, s) {
			return fmt.Errorf("its aud must be %s, and name nobody else", strings.Join(v.Audiences, " or "))
		}
	}
	return nil
}

// checkTimes returns exp. A longest lifetime bounds exp against now, so that iat
// cannot be used to reach further.
func (v *Verifier) checkTimes(now time.Time, claims map[string]any, longest time.Duration) (time.Time, error) {
	expires, ok, err := date(claims, "exp")
	switch {
	case err != nil:
		return time.Time{}, err
	case !ok:
		return time.Time{}, fmt.Errorf("its exp is missing")
	case !now.Before(expires.Add(v.Skew)):
		return time.Time{}, fmt.Errorf("it has expired")
	case expires.After(now.Add(longest + v.Skew)):
		return time.Time{}, fmt.Errorf("it lives longer than the %s that the issuer is allowed: bring exp nearer", longest)
	}
	notBefore, ok, err := date(claims, "nbf")
	if err != nil {
		return time.Time{}, err
	}
	if ok && now.Add(v.Skew).Before(notBefore) {
		return time.Time{}, fmt.Errorf("it is not valid yet: nbf is in the future")
	}
	issued, ok, err := date(claims, "iat")
	if err != nil {
		return time.Time{}, err
	}
	if ok && now.Add(v.Skew).Before(issued) {
		return time.Time{}, fmt.Errorf("its iat is in the future")
	}
	return expires, nil
}

// latest bounds a NumericDate, so that arithmetic on it cannot overflow: the end
// of the year 9999.
const latest = 253402300799

// date reads a NumericDate in whole seconds (RFC 7519 §2).
func date(claims map[string]any, name string) (time.Time, bool, error) {
	value, ok := claims[name]
	if !ok {
		return time.Time{}, false, nil
	}
	number, ok := value.(json.Number)
	if !ok {
		return time.Time{}, false, fmt.Errorf("its %s is not a number", name)
	}
	seconds, err := number.Int64()
	if err != nil || seconds < 0 || seconds > latest {
		return time.Time{}, false, fmt.Errorf("its %s is not a whole number of seconds since 1970", name)
	}
	return time.Unix(seconds, 0).UTC(), true, nil
}

// text reads a claim that is a string of bounded length and without NUL, which no
// database takes, or "" where it is missing.
func text(claims map[string]any, name string) (string, error) {
	value, ok := claims[name]
	if !ok {
		return "", nil
	}
	s, ok := value.(string)
	if !ok || len(s) > maxName || strings.ContainsRune(s, 0) {
		return "", fmt.Errorf("its %s is not a string of at most %d bytes, without NUL", name, maxName)
	}
	return s, nil
}
