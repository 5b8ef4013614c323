package assertions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"authserver/internal/jose"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// Finding is the result of one check of an assertion, for an operator who wants to know why the
// server refuses it.
type Finding struct {
	Check  string `json:"check"`
	Passed bool   `json:"passed"`
	Found  string `json:"found,omitempty"`  // what is wrong
	Change string `json:"change,omitempty"` // what to change, where and how
}

// found makes the finding of a check. If err is nil, the check passed and there is nothing to
// change.
func found(check string, err error, change string, args ...any) Finding {
	if err == nil {
		return Finding{Check: check, Passed: true}
	}
	return Finding{Check: check, Found: err.Error(), Change: fmt.Sprintf(change, args...)}
}

// Explain makes every check of [Verifier.Verify], also after one that failed, and says what to
// change. An error is a fault of the server.
func (v *Verifier) Explain(ctx context.Context, now time.Time, p Parsed, r Registration) ([]Finding, error) {
	var findings []Finding
	note := func(check string, err error, change string, args ...any) {
		findings = append(findings, found(check, err, change, args...))
	}
	var unregistered error
	if !slices.Contains(r.Algorithms, p.Header.Alg) {
		unregistered = fmt.Errorf("its alg is %s", p.Header.Alg)
	}
	note("alg", unregistered, "sign with %s, or register the algorithm", strings.Join(r.Algorithms, ", "))
	keys, err := v.candidates(ctx, now, r.Keys, p.Header)
	if fault := (*Fault)(nil); errors.As(err, &fault) {
		return nil, err
	}
	note("key", err, "name a registered key in kid, x5t or x5t#S256 (%s), or none; or register the key that signs", orNone(p.Header))
	if err == nil {
		if !slices.ContainsFunc(keys, func(key any) bool { return p.SignedBy(p.Header.Alg, key) }) {
			err = errSignature
		}
		note("signature", err, "sign with the private key of a registered one, over the header and claims as they are sent; or register the public key that belongs to it")
	}
	var stranger error
	if p.Issuer() != r.Iss {
		stranger = fmt.Errorf("its iss is not %s", r.Iss)
	}
	note("iss", stranger, "set iss to %s", r.Iss)
	_, err = p.Subject(r.SubjectClaim)
	note("subject", err, "put a text that names the subject into %s, or choose another claim for the subject", r.SubjectClaim)
	note("aud", r.checkAudience(p.Claims), "set aud to %s, alone", r.Audiences[0])
	skew := v.skew(r)
	_, err = checkTimes(now, p.Claims, r.MaxLifetime, skew)
	note("times", err, "make a new one for each request, with iat now and exp at most %s later, in whole seconds since 1970 and by a clock that is right to %s: here it is %s",
		r.MaxLifetime, skew, now.UTC().Format(time.RFC3339))
	note("claims", checkRequired(p.Claims, r.Required), "have the issuer add it, or require it no more")
	note("patterns", checkPatterns(p.Claims, r.Patterns), "compare the claims with the patterns of the registration: %s", differing(p.Claims, r.Patterns))
	_, err = p.ID()
	note("jti", err, "set jti to a text that is new each time")
	values, _, err := scope(p.Claims)
	if err == nil {
		_, err = oauth.ParseScope(values)
	}
	note("scope", err, "set scope to a text of values with spaces between them, or to an array of values, or leave it out")
	return findings, nil
}

// orNone returns the names by which a header names its key.
func orNone(h jose.Header) string {
	var names []string
	for name, value := range map[string]string{"kid": h.KID, "x5t": h.X5T, "x5t#S256": h.X5TS256} {
		if value != "" {
			names = append(names, name+" is "+value)
		}
	}
	if len(names) == 0 {
		return "it has none of them"
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// differing says for each pattern which claims do not match.
func differing(claims map[string]any, patterns []store.ClaimPattern) string {
	var said []string
	for _, pattern := range patterns {
		var of []string
		for _, path := range mismatches(claims, pattern) {
			of = append(of, fmt.Sprintf("%s is not %s", path, pattern[path]))
		}
		said = append(said, strings.Join(of, " and "))
	}
	return strings.Join(said, "; or ")
}
