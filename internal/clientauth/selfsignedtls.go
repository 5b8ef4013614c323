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

// Claims implements [Method].
func (*SelfSignedTLS) Claims(r Request) ([]Claim, error) { return certified(r), nil }

// Prove implements [Method]. That the certificate is one of those registered is all
// that RFC 8705 §2.2 asks: it is a container for a key, its chain is not validated, and
// when a key is no longer good is for whoever registered it to say by taking it away.
// Its dates are part of that chain, and its own maker wrote them.
func (m *SelfSignedTLS) Prove(ctx context.Context, client store.Client, claim Claim, _ time.Time) (Proof, error) {
	presented := claim.Certificate
	if slices.ContainsFunc(client.Certificates, func(der []byte) bool { return bytes.Equal(der, presented.Leaf.Raw) }) {
		return Proof{Good: true}, nil
	}
	published, err := m.published(ctx, client, jose.Header{X5TS256: presented.Thumbprint()})
	if err != nil {
		return Proof{}, err
	}
	if !published {
		return Proof{}, &Unproved{errors.New("the certificate is none of those that are registered for the client")}
	}
	return Proof{Good: true}, nil
}

// published reports whether the client's JWK Set has the certificate that is named, in
// "x5c" or by its thumbprint (RFC 8705 §2.2.2).
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
			"the key set that the certificate would be looked for in cannot be fetched just now: try again later").Because(err)
	}
	return len(keys) > 0, nil
}
