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
	"authserver/internal/parsed"
	"authserver/internal/store"
	"authserver/internal/trust/remotekeys"
)

// SelfSignedTLS is self_signed_tls_client_auth: a certificate that is registered for
// the client (RFC 8705 §2.2).
type SelfSignedTLS struct {
	Remote interface { // key sets that clients publish; it is [remotekeys.Sets]
		Keys(ctx context.Context, source remotekeys.Source, h jose.Header) ([]jose.Key, error)
	}

	keySets parsed.Cache[jose.KeySet]
}

// Name implements [Method].
func (*SelfSignedTLS) Name() oauth.AuthMethod { return oauth.AuthSelfSignedTLS }

// Credentials implements [Method].
func (*SelfSignedTLS) Credentials(r Request) ([]Credentials, error) { return certified(r), nil }

// Verify implements [Method]. RFC 8705 §2.2 asks only that the certificate is one of those
// registered. It is a container for a key: neither its chain nor its dates are validated, since the
// client wrote them itself. The operator removes a key that must no longer be used.
func (m *SelfSignedTLS) Verify(ctx context.Context, client store.Client, presented Credentials, _ time.Time) (Outcome, error) {
	shown := presented.Certificate
	if slices.ContainsFunc(client.Certificates, func(der []byte) bool { return bytes.Equal(der, shown.Leaf.Raw) }) {
		return Outcome{Good: true}, nil
	}
	published, err := m.published(ctx, client, jose.Header{X5TS256: shown.Thumbprint()})
	if err != nil {
		return Outcome{}, err
	}
	if !published {
		return Outcome{}, &CredentialError{errors.New("the certificate is none of those that are registered for the client")}
	}
	return Outcome{Good: true}, nil
}

// published reports whether the client's JWK Set contains the certificate, in "x5c" or by its
// thumbprint (RFC 8705 §2.2.2).
func (m *SelfSignedTLS) published(ctx context.Context, client store.Client, named jose.Header) (bool, error) {
	if len(client.JWKS) > 0 {
		set, err := m.keySets.Get(client.JWKS, jose.ParseKeySet)
		if err != nil {
			return false, fmt.Errorf("parse the key set of client %s: %w", client.ID, err)
		}
		return len(set.Find(named)) > 0, nil
	}
	if client.JWKSURI == "" {
		return false, nil
	}
	keys, err := m.Remote.Keys(ctx, remotekeys.Source{JWKSURI: client.JWKSURI}, named)
	if err != nil {
		return false, oauth.Fail(oauth.Unavailable, "remote_keys_unavailable",
			"the key set with the certificates of the client cannot be fetched now: try again later").Because(err)
	}
	return len(keys) > 0, nil
}
