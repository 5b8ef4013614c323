package clientauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"authserver/internal/jose"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// SelfSignedTLS is self_signed_tls_client_auth: a certificate that is registered for
// the client (RFC 8705 §2.2).
type SelfSignedTLS struct{}

// Name implements [Method].
func (SelfSignedTLS) Name() oauth.AuthMethod { return oauth.AuthSelfSignedTLS }

// Claims implements [Method].
func (SelfSignedTLS) Claims(r Request) ([]Claim, error) { return certified(r), nil }

// Prove implements [Method]. That the certificate is one of those registered is all
// that RFC 8705 §2.2 asks: it is a container for a key, its chain is not validated, and
// when a key is no longer good is for whoever registered it to say by taking it away.
// Its dates are part of that chain, and its own maker wrote them.
func (SelfSignedTLS) Prove(_ context.Context, client store.Client, claim Claim, _ time.Time) (bool, error) {
	presented := claim.Certificate.Leaf.Raw
	for _, registered := range client.Certificates {
		if bytes.Equal(registered, presented) {
			return true, nil
		}
	}
	if len(client.JWKS) > 0 {
		known, err := jose.CertificateThumbprints(client.JWKS)
		if err != nil {
			return false, fmt.Errorf("read the key set of client %s: %w", client.ID, err)
		}
		if slices.Contains(known, claim.Certificate.Thumbprint()) {
			return true, nil
		}
	}
	return false, &Unproved{errors.New("the certificate is none of those that are registered for the client")}
}
