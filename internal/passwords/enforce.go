package passwords

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// Bounds on a password, after enforcement.
const (
	MinCharacters = 8
	MaxBytes      = 72 // what bcrypt looks at
)

// maxRawBytes bounds what enforcement is tried on. It makes a string shorter by
// no more than a factor of three: a space of three bytes becomes one byte, and
// three letters of a Hangul syllable become one syllable.
const maxRawBytes = 4 * MaxBytes

// Enforce returns the form in which a password is hashed and compared: the
// PRECIS profile OpaqueString (RFC 8265 §4.2), so that it is the same password
// on every keyboard. It has at least [MinCharacters] characters and at most
// [MaxBytes] bytes. The errors say what to do and never repeat the password.
//
// With an error the password returned is empty, which [Hasher.Verify] never
// matches at the price of one that is wrong: a login goes on with it, and takes
// the time that it always takes.
func Enforce(password string) (string, error) {
	if len(password) > maxRawBytes {
		return "", errTooLong("password")
	}
	if !utf8.ValidString(password) {
		return "", errors.New("a password must be valid UTF-8 (RFC 8265 section 4.2)")
	}
	// RFC 8265 §4.2.2: the result MUST NOT be empty; precis holds to that.
	enforced, err := precis.OpaqueString.String(password)
	if password != "" && err != nil {
		return "", fmt.Errorf("a password must not hold control characters or others that RFC 8265 section 4.2 does not allow: %w", err)
	}
	if utf8.RuneCountInString(enforced) < MinCharacters {
		return "", fmt.Errorf("a password must have at least %d characters", MinCharacters)
	}
	if len(enforced) > MaxBytes {
		return "", errTooLong("password")
	}
	return enforced, nil
}

func errTooLong(what string) error {
	return fmt.Errorf("a %s must not be longer than %d bytes: bcrypt would ignore the rest", what, MaxBytes)
}
