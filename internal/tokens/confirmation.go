package tokens

// Confirmation names the keys that whoever uses a token has to prove the possession
// of (RFC 7800 §3.1). The zero Confirmation is of a token that whoever bears it may
// use.
type Confirmation struct {
	JKT     string // the SHA-256 thumbprint of a DPoP key (RFC 9449 §6.1)
	X5TS256 string // the SHA-256 thumbprint of a client certificate (RFC 8705 §3.1)
}

// claim is the claim "cnf", nil where there is nothing to confirm.
func (c Confirmation) claim() map[string]string {
	if c == (Confirmation{}) {
		return nil
	}
	members := make(map[string]string)
	for name, thumbprint := range map[string]string{"jkt": c.JKT, "x5t#S256": c.X5TS256} {
		if thumbprint != "" {
			members[name] = thumbprint
		}
	}
	return members
}
