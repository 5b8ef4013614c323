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

// TLS is tls_client_auth: a certificate of a trusted authority, for the subject that the client is
// registered with (RFC 8705 §2.1).
type TLS struct {
	// Authorities are the roots that the server trusts to certify clients.
	Authorities func() *x509.CertPool
}

// Name implements [Method].
func (TLS) Name() oauth.AuthMethod { return oauth.AuthTLS }

// Credentials implements [Method].
func (TLS) Credentials(r Request) ([]Credentials, error) { return certified(r), nil }

// certified returns the credentials of a request with a certificate; without one, none. The request
// has to name its client by client_id, because a certificate may be valid for several clients (RFC
// 8705 §2).
func certified(r Request) []Credentials {
	if r.Certificate == nil || !namesOnly(r) {
		return nil
	}
	return []Credentials{{ClientID: r.Form.Get("client_id"), Certificate: r.Certificate}}
}

// Verify implements [Method]. It checks the subject before the signatures, because that costs less.
func (m TLS) Verify(_ context.Context, client store.Client, presented Credentials, now time.Time) (Outcome, error) {
	shown := presented.Certificate
	if client.TLSSubject == (store.TLSSubject{}) || !certificates.IsFor(shown.Leaf, client.TLSSubject) {
		return Outcome{}, &CredentialError{errors.New("the certificate is not for the subject that the client is registered with")}
	}
	intermediates := x509.NewCertPool()
	for _, certificate := range shown.Intermediates {
		intermediates.AddCert(certificate)
	}
	_, err := shown.Leaf.Verify(x509.VerifyOptions{
		Roots: m.Authorities(), Intermediates: intermediates, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return Outcome{}, &CredentialError{fmt.Errorf("verify the chain of the certificate: %w", err)}
	}
	return Outcome{Good: true}, nil
}
