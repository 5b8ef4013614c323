package pkcs11

// Options say where the keys are.
type Options struct {
	Module string // path of the PKCS#11 library, a shared object
	Token  string // label of the token
	PIN    string // of the token's user; in no error and no log
}

// Algorithms are those that a key in a token can have (RFC 7518 §3.1), by name.
func Algorithms() []string { return []string{"RS256", "PS256", "ES256", "ES384"} }
