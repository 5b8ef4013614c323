package certificates

import (
	"crypto/x509"

	"authserver/internal/jose"
)

// Presented is what a client presented in a TLS handshake, in which it proved the possession of the
// key of the first certificate.
type Presented struct {
	Leaf *x509.Certificate
	// Intermediates are the other certificates from the client, in any order.
	Intermediates []*x509.Certificate
}

// Handshake returns what the client of a connection sent, its own certificate first, or nil if it
// sent none. It leaves out more than ten others, because checking their signatures would cost too
// much.
func Handshake(sent []*x509.Certificate) *Presented {
	if len(sent) == 0 {
		return nil
	}
	return &Presented{Leaf: sent[0], Intermediates: sent[1:min(len(sent), 1+maxChain)]}
}

// Thumbprint returns the "x5t#S256" of the client's own certificate (RFC 8705 §3.1).
func (p *Presented) Thumbprint() string { return jose.Thumbprint256(p.Leaf.Raw) }
