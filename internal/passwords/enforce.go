package passwords

import (
	"errors"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// MaxBytes bounds a password, after enforcement.
const MaxBytes = 1024

// maxRawBytes bounds a password before enforcement, which makes a string shorter by no more than a
// factor of three: a space of three bytes becomes one byte, and three letters of a Hangul syllable
// become one syllable.
const maxRawBytes = 4 * MaxBytes

// Enforce returns the form in which a password is hashed and compared: the
// PRECIS profile OpaqueString (RFC 8265 §4.2), so that it is the same password
// on every keyboard. It has at most [MaxBytes] bytes. An error is a [PolicyError].
//
// With an error it returns the empty password, which [Hasher.Verify] never matches, in the time of
// a wrong password: so a login takes the same time in any case.
func Enforce(password string) (string, error) {
	if len(password) > maxRawBytes {
		return "", tooLong("password")
	}
	if !utf8.ValidString(password) {
		return "", refuse(Malformed, "a password must be valid UTF-8 (RFC 8265 section 4.2)")
	}
	// RFC 8265 §4.2.2: the result MUST NOT be empty; precis holds to that.
	enforced, err := precis.OpaqueString.String(password)
	if password != "" && err != nil {
		return "", refuse(Malformed, "a password must not contain control characters or others that RFC 8265 section 4.2 does not allow")
	}
	if enforced == "" {
		return "", refuse(TooShort, "a password must not be empty")
	}
	if len(enforced) > MaxBytes {
		return "", tooLong("password")
	}
	return enforced, nil
}

func tooLong(what string) *PolicyError {
	return refuse(TooLong, "a %s must not be longer than %d bytes", what, MaxBytes)
}

// checkSecret refuses a secret that cannot be hashed in full. bcrypt does not distinguish "a" from
// "a\x00a", because it repeats a secret with a NUL in between.
func checkSecret(secret string) error {
	switch {
	case secret == "":
		return errors.New("a secret must not be empty")
	case len(secret) > MaxBytes:
		return tooLong("secret")
	}
	for i := range len(secret) {
		if secret[i] == 0 {
			return errors.New("a secret must not contain a NUL character")
		}
	}
	return nil
}
