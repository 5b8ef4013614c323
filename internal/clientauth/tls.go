package clientauth

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/trust/certificates"
)

// TLS is tls_client_auth: a certificate by an authority that is trusted with clients,
// for the subject that the client is registered with (RFC 8705 §2.1).
type TLS struct {
	// Authorities are whose certificates count.
	Authorities func() *x509.CertPool
}

// Name implements [Method].
func (TLS) Name() oauth.AuthMethod { return oauth.AuthTLS }

// Claims implements [Method].
func (TLS) Claims(r Request) ([]Claim, error) { return certified(r), nil }

// certified is what a request claims by its certificate. It has to name its client by
// client_id, since a certificate may be good for several (RFC 8705 §2). Without a
// certificate it claims nothing by it.
func certified(r Request) []Claim {
	if r.Certificate == nil || !namesOnly(r) {
		return nil
	}
	return []Claim{{ClientID: r.Form.Get("client_id"), Certificate: r.Certificate}}
}

// Prove implements [Method]. Whom the certificate is for is looked at first: it costs
// less than its signatures.
func (m TLS) Prove(_ context.Context, client store.Client, claim Claim, now time.Time) (Proof, error) {
	presented := claim.Certificate
	if client.TLSSubject == (store.TLSSubject{}) || !certificates.IsFor(presented.Leaf, client.TLSSubject) {
		return Proof{}, &Unproved{errors.New("the certificate is not for the subject that the client is registered with")}
	}
	intermediates := x509.NewCertPool()
	for _, certificate := range presented.Intermediates {
		intermediates.AddCert(certificate)
	}
	_, err := presented.Leaf.Verify(x509.VerifyOptions{
		Roots: m.Authorities(), Intermediates: intermediates, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return Proof{}, &Unproved{fmt.Errorf("verify the chain of the certificate: %w", err)}
	}
	return Proof{Good: true}, nil
}
