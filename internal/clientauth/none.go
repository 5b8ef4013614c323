package clientauth

import (
	"context"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// None is the method of public clients, who name themselves and prove nothing
// (RFC 6749 §3.2.1, RFC 7591 §2).
type None struct{}

// Name implements [Method].
func (None) Name() oauth.AuthMethod { return oauth.AuthNone }

// Claims implements [Method]. A client_id beside another method's credentials is
// not a second method.
func (None) Claims(r Request) ([]Claim, error) {
	if !namesOnly(r) {
		return nil, nil
	}
	return []Claim{{ClientID: r.Form.Get("client_id"), Certificate: r.Certificate}}, nil
}

// namesOnly reports whether a request names its client and brings no credentials in
// HTTP. The proof may be in TLS.
func namesOnly(r Request) bool {
	return len(r.Authorization) == 0 && !r.Form.Has("client_secret") && !r.Form.Has("client_assertion") && r.Form.Has("client_id")
}

// Prove implements [Method]: being registered as public, and as nothing else, is
// all there is to it. Whoever asks later whether the client proved itself asks
// [store.Client.Public].
func (None) Prove(_ context.Context, client store.Client, _ Claim, _ time.Time) (Proof, error) {
	return Proof{Good: client.Public()}, nil
}
