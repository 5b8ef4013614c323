package pkcs11

// Options name the token with the keys.
type Options struct {
	Module string // path of the PKCS#11 library, a shared object
	Token  string // label of the token
	PIN    string // of the token's user; never in an error or a log
}

// Algorithms returns the names of the algorithms that a key in a token can have (RFC 7518 §3.1).
func Algorithms() []string { return []string{"RS256", "PS256", "ES256", "ES384"} }
