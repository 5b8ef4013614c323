package certificates

import (
	"crypto/x509"

	"authserver/internal/jose"
)

// Presented is what a client presented in a TLS handshake, in which it proved to
// possess the key of the first certificate.
type Presented struct {
	Leaf *x509.Certificate
	// Intermediates are the other certificates that it sent, in an order that was not
	// checked.
	Intermediates []*x509.Certificate
}

// Handshake is what the client of a connection sent, its own certificate first; nil
// where it sent none. More than ten others are left out, whose signatures would cost
// more than any chain is worth.
func Handshake(sent []*x509.Certificate) *Presented {
	if len(sent) == 0 {
		return nil
	}
	return &Presented{Leaf: sent[0], Intermediates: sent[1:min(len(sent), 1+maxChain)]}
}

// Thumbprint is the "x5t#S256" of the client's own certificate (RFC 8705 §3.1).
func (p *Presented) Thumbprint() string { return jose.Thumbprint256(p.Leaf.Raw) }
