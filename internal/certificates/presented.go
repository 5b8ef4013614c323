package certificates

import (
	"crypto/x509"

	"authserver/internal/jose"
)

// Presented is what a client presented in a TLS handshake, in which it proved to
// possess the key of the first certificate.
type Presented struct {
	Leaf *x509.Certificate
	// Intermediates are what it sent along, in no order that anybody has checked.
	Intermediates []*x509.Certificate
}

// Thumbprint is the "x5t#S256" of the client's own certificate (RFC 8705 §3.1).
func (p *Presented) Thumbprint() string { return jose.Thumbprint256(p.Leaf.Raw) }
