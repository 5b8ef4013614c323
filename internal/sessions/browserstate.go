package sessions

import (
	"crypto/sha256"
	"encoding/base64"
)

// BrowserState is the "OP browser state" (OpenID Connect Session Management 1.0 §2), by which
// scripts notice that the session changed: it differs after every sign-in. It is a one-way function
// of the hash of the secret, so it reveals neither, and no client gets it.
func (p Person) BrowserState() string {
	sum := sha256.Sum256(append([]byte("browser state: "), p.Session.Secret[:]...))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
