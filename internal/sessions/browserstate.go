package sessions

import (
	"crypto/sha256"
	"encoding/base64"
)

// BrowserState tells scripts whether the same sign-in goes on (OpenID Connect Session Management
// 1.0 §2, the "OP browser state"): it changes with every sign-in. It comes one-way from the hash
// of the secret, so that it says nothing of either, and no client knows it.
func (p Person) BrowserState() string {
	sum := sha256.Sum256(append([]byte("browser state: "), p.Session.Secret[:]...))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
