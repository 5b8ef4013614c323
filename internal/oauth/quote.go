package oauth

import "strings"

// maxQuoted bounds what of a request is repeated in a description.
const maxQuoted = 200

// unbroken is how long a run of letters and digits may be: a secret or a token that a client
// put into the wrong parameter has a longer one, and a UUID has 36.
const unbroken = 39

// Quote names a value of a request in a description: the word and the value in quotes.
// It is for values that are no secrets by their kind. What is too long, could be a
// URL with a password, or looks like a token, is left out, and so is what a description
// cannot hold (RFC 6749 §5.2).
func Quote(word, value string) string {
	if value == "" || len(value) > maxQuoted || strings.Contains(value, "@") {
		return word
	}
	run := 0
	for i := range len(value) {
		c := value[i]
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return word
		}
		if run++; !strings.ContainsRune("_-", rune(c)) && !isAlphanumeric(c) {
			run = 0
		}
		if run > unbroken {
			return word
		}
	}
	return word + ` "` + value + `"`
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// DescriptionText leaves what RFC 6749 §5.2 allows in error_description.
func DescriptionText(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '"':
			return '\''
		case c < 0x20 || c > 0x7e || c == '\\':
			return -1
		}
		return c
	}, s)
}
