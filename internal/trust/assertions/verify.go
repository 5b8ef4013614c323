package assertions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"authserver/internal/jose"
	"authserver/internal/parsed"
	"authserver/internal/store"
	"authserver/internal/trust/remotekeys"
)

// maxTried is the largest number of keys to try for an assertion that names no key.
const maxTried = 10

// Verifier checks assertions against the registration of their issuer.
type Verifier struct {
	Skew   time.Duration // by which the issuer's clock may differ
	Opener Opener
	Remote interface { // published key sets; it is [remotekeys.Sets]
		Keys(ctx context.Context, source remotekeys.Source, h jose.Header) ([]jose.Key, error)
	}

	keySets      parsed.Cache[jose.KeySet]
	certificates parsed.Cache[certificate]
}

// Assertion is a verified assertion.
type Assertion struct {
	Issuer    string
	Subject   string // the value of the issuer's subject claim
	Scope     string // the claim "scope", as Google's and Salesforce's clients send it, with spaces between its values
	HasScope  bool
	ID        [32]byte       // see [Parsed.ID]
	Mapped    map[string]any // the claims for the token
	ExpiresAt time.Time      // when it can be forgotten: exp plus the skew
}

// errSignature reports that no candidate verified the signature.
var errSignature = errors.New("its signature was made by none of the registered keys")

// Fault is an error of the server and not of the assertion, such as a secret that cannot be opened.
type Fault struct{ cause error }

func (f *Fault) Error() string { return f.cause.Error() }
func (f *Fault) Unwrap() error { return f.cause }

// Verify checks an assertion of a registered signer (RFC 7523 §3). The error says in our own words
// which check failed. Do not send a [Fault] to the client.
func (v *Verifier) Verify(ctx context.Context, now time.Time, p Parsed, r Registration) (Assertion, error) {
	if err := v.signed(ctx, now, p, r); err != nil {
		return Assertion{}, err
	}
	return v.check(now, p, r)
}

// VerifyAmong is Verify if several registrations have the "iss" of an assertion. It returns the
// index of the one with the key that verifies it. It uses nothing else in the assertion for this
// decision. An assertion that a key of two registrations verifies belongs to neither.
func (v *Verifier) VerifyAmong(ctx context.Context, now time.Time, p Parsed, among []Registration) (chosen int, a Assertion, err error) {
	if chosen, err = v.Choose(ctx, now, p, among); err != nil {
		return 0, Assertion{}, err
	}
	a, err = v.check(now, p, among[chosen])
	return chosen, a, err
}

// Choose is the part of [Verifier.VerifyAmong] that selects the registration. It does not check the
// claims yet.
func (v *Verifier) Choose(ctx context.Context, now time.Time, p Parsed, among []Registration) (chosen int, err error) {
	chosen = -1
	var refused []error
	var fault *Fault
	for i, r := range among {
		switch err := v.signed(ctx, now, p, r); {
		case err == nil && chosen >= 0:
			return 0, errors.New("its key belongs to two registrations with its iss, so the server cannot tell which of them is meant: an administrator has to remove the key from one")
		case err == nil:
			chosen = i
		case !errors.As(err, &fault): // otherwise another registration may have the key
			refused = append(refused, err)
		}
	}
	switch {
	case chosen >= 0:
		return chosen, nil
	case fault != nil:
		return 0, fault
	case slices.ContainsFunc(refused, func(err error) bool { return err.Error() != refused[0].Error() }):
		return 0, errSignature
	}
	return 0, refused[0]
}

// signed requires a signature by one of the registered keys.
func (v *Verifier) signed(ctx context.Context, now time.Time, p Parsed, r Registration) error {
	if !slices.Contains(r.Algorithms, p.Header.Alg) { // RFC 8725 §3.1
		return fmt.Errorf("its alg is not registered")
	}
	keys, err := v.candidates(ctx, now, r.Keys, p.Header)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(keys, func(key any) bool { return p.SignedBy(p.Header.Alg, key) }) {
		return errSignature
	}
	return nil
}

// check checks the claims in the order of RFC 7523 §3.
func (v *Verifier) check(now time.Time, p Parsed, r Registration) (Assertion, error) {
	a := Assertion{Issuer: p.Issuer()}
	var err error
	if a.Issuer == "" || a.Issuer != r.Iss { // item 1
		return Assertion{}, fmt.Errorf("its iss is not the issuer's identifier")
	}
	if a.Subject, err = p.Subject(r.SubjectClaim); err != nil { // item 2
		return Assertion{}, err
	}
	if err := r.checkAudience(p.Claims); err != nil { // item 3
		return Assertion{}, err
	}
	skew := v.skew(r)
	expires, err := checkTimes(now, p.Claims, r.MaxLifetime, skew) // items 4 to 6
	if err != nil {
		return Assertion{}, err
	}
	if err := checkRequired(p.Claims, r.Required); err != nil {
		return Assertion{}, err
	}
	if err := checkPatterns(p.Claims, r.Patterns); err != nil {
		return Assertion{}, err
	}
	a.Mapped = mapped(p.Claims, r.Mapping)
	a.ExpiresAt = expires.Add(skew)
	if a.ID, err = p.ID(); err != nil { // item 7
		return Assertion{}, err
	}
	a.Scope, a.HasScope, err = scope(p.Claims)
	return a, err
}

// skew returns by how much the clock of a registered signer may differ.
func (v *Verifier) skew(r Registration) time.Duration {
	if r.Skew > 0 {
		return r.Skew
	}
	return v.Skew
}

// checkRequired requires the claims that the registration names.
func checkRequired(claims map[string]any, required []string) error {
	for _, path := range required {
		if _, ok := Claim(claims, path); !ok {
			return fmt.Errorf("its claim %s is missing", path)
		}
	}
	return nil
}

// checkPatterns requires one of the patterns to match, if there are any.
func checkPatterns(claims map[string]any, patterns []store.ClaimPattern) error {
	if len(patterns) > 0 && !slices.ContainsFunc(patterns, func(p store.ClaimPattern) bool { return len(mismatches(claims, p)) == 0 }) {
		return fmt.Errorf("its claims match none of the patterns that are registered for it")
	}
	return nil
}

// mapped returns the claims for the token; nil: none.
func mapped(claims map[string]any, mapping map[string]string) map[string]any {
	var on map[string]any
	for name, path := range mapping {
		if value, ok := Claim(claims, path); ok {
			if on == nil {
				on = make(map[string]any)
			}
			on[name] = value
		}
	}
	return on
}

// checkAudience requires this server as the only audience: another party in the audience could
// replay the assertion here.
func (r Registration) checkAudience(claims map[string]any) error {
	audience, err := jose.Audience(claims)
	_, plain := claims["aud"].(string)
	switch {
	case err != nil:
		return err
	case len(audience) == 0:
		return fmt.Errorf("its aud is missing: it must be %s", strings.Join(r.Audiences, " or "))
	case slices.ContainsFunc(audience, func(name string) bool { return !slices.Contains(r.Audiences, name) }):
		return fmt.Errorf("its aud must be %s, and nothing else", strings.Join(r.Audiences, " or "))
	case r.PlainAudience && !plain:
		return fmt.Errorf("its aud must be the string %s itself, and no array with it (FAPI 2.0)", r.Audiences[0])
	}
	return nil
}

// checkTimes returns exp. It compares the longest lifetime with now, so that an iat in the future
// cannot extend it.
func checkTimes(now time.Time, claims map[string]any, longest, skew time.Duration) (time.Time, error) {
	expires, ok, err := jose.NumericDate(claims, "exp")
	switch {
	case err != nil:
		return time.Time{}, err
	case !ok:
		return time.Time{}, fmt.Errorf("its exp is missing")
	case !now.Before(expires.Add(skew)):
		return time.Time{}, fmt.Errorf("it has expired")
	case expires.After(now.Add(longest + skew)):
		return time.Time{}, fmt.Errorf("its lifetime is longer than %s, the limit of its issuer: set an earlier exp", longest)
	}
	return expires, checkBegun(now, claims, skew)
}

// checkBegun refuses an assertion that is not valid yet by its nbf and iat.
func checkBegun(now time.Time, claims map[string]any, skew time.Duration) error {
	notBefore, ok, err := jose.NumericDate(claims, "nbf")
	if err != nil {
		return err
	}
	if ok && now.Add(skew).Before(notBefore) {
		return fmt.Errorf("it is not valid yet: nbf is in the future")
	}
	issued, ok, err := jose.NumericDate(claims, "iat")
	if err != nil {
		return err
	}
	if ok && now.Add(skew).Before(issued) {
		return fmt.Errorf("its iat is in the future")
	}
	return nil
}
