package tokens

// Confirmation names the keys that a user of the token has to prove (RFC 7800 §3.1). The zero
// Confirmation is that of a bearer token.
type Confirmation struct {
	JKT     string `json:"jkt,omitempty"`      // the SHA-256 thumbprint of a DPoP key (RFC 9449 §6.1)
	X5TS256 string `json:"x5t#S256,omitempty"` // the SHA-256 thumbprint of a client certificate (RFC 8705 §3.1)
}

// Confirmation names the keys to which the token is bound.
func (c Claims) Confirmation() Confirmation {
	cnf, _ := c.All["cnf"].(map[string]any)
	var bound Confirmation
	bound.JKT, _ = cnf["jkt"].(string)
	bound.X5TS256, _ = cnf["x5t#S256"].(string)
	return bound
}
