package passwords

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MinCharacters is the lowest minimum length of a password, whatever the setting (NIST SP 800-63B-4
// §3.1.1.2).
const MinCharacters = 8

// Policy has the rules for a new password.
type Policy struct {
	MinCharacters int // 0 and less than [MinCharacters] stand for that
	// AllowCommon accepts a common password, for the demo.
	AllowCommon bool
}

// Reason is the rule that a password breaks.
type Reason string

// The rules.
const (
	TooShort  Reason = "too_short"
	TooLong   Reason = "too_long"
	Common    Reason = "common"    // among the most common, or a name of the user
	Malformed Reason = "malformed" // has characters that no password may have
)

// PolicyError reports a password that cannot be set. Its text says what to do and never
// repeats the password.
type PolicyError struct {
	Reason Reason
	text   string
}

func (r *PolicyError) Error() string { return r.text }

func refuse(reason Reason, format string, values ...any) *PolicyError {
	return &PolicyError{reason, fmt.Sprintf(format, values...)}
}

// MinLength is the minimum length of a new password in characters.
func (p Policy) MinLength() int { return max(p.MinCharacters, MinCharacters) }

// Check returns the form in which a new password is hashed, which is that of [Enforce]. names are
// those of the user, which are refused like common passwords (NIST SP 800-63B-4 §3.1.1.2). An error
// is a [PolicyError], or a fault of the server.
func (p Policy) Check(password string, names ...string) (string, error) {
	enforced, err := Enforce(password)
	if err != nil {
		return "", err
	}
	if utf8.RuneCountInString(enforced) < p.MinLength() {
		return "", refuse(TooShort, "a password must have at least %d characters", p.MinLength())
	}
	for _, name := range names {
		if strings.EqualFold(enforced, name) {
			return "", refuse(Common, "a password must not be a name of the user: choose another, such as some words that do not belong together")
		}
	}
	if p.AllowCommon {
		return enforced, nil
	}
	common, err := isCommon(enforced)
	if err != nil {
		return "", err
	}
	if common {
		return "", refuse(Common, "the password is among the 100,000 most common, which attackers try first: choose another, such as some words that do not belong together")
	}
	return enforced, nil
}
