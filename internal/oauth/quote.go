package oauth

import "strings"

// maxQuoted bounds what of a request is repeated in a description.
const maxQuoted = 200

// Quote names a value of a request in a description: the word and the value in quotes.
// It is for values that are no secrets by their kind. What is too long, or could be a
// URL with a password, is left out, and so is what a description cannot hold
// (RFC 6749 §5.2).
func Quote(word, value string) string {
	if value == "" || len(value) > maxQuoted || strings.Contains(value, "@") {
		return word
	}
	for i := range len(value) {
		if c := value[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return word
		}
	}
	return word + ` "` + value + `"`
}
