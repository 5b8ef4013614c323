package oauth

import "strings"

// maxQuoted bounds the part of a request that a description repeats.
const maxQuoted = 200

// unbroken is the longest run of letters and digits that a description repeats: a secret or a token
// in the wrong parameter has a longer one, and a UUID has 36.
const unbroken = 39

// Quote names a value of a request in a description: the word and the value in quotes. It is for
// values that are not secret by their kind. It leaves out a value that is too long, could be a URL
// with a password, looks like a token, or contains what a description cannot contain (RFC 6749
// §5.2).
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

// DescriptionText keeps only the characters that RFC 6749 §5.2 allows in error_description.
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
