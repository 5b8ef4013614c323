package clientauth

import (
	"context"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// None is the method of public clients, which send a client_id and no credentials (RFC
// 6749 §3.2.1, RFC 7591 §2).
type None struct{}

// Name implements [Method].
func (None) Name() oauth.AuthMethod { return oauth.AuthNone }

// Credentials implements [Method]. A client_id together with another method's credentials is not a
// second method.
func (None) Credentials(r Request) ([]Credentials, error) {
	if !namesOnly(r) {
		return nil, nil
	}
	return []Credentials{{ClientID: r.Form.Get("client_id"), Certificate: r.Certificate}}, nil
}

// namesOnly reports whether a request names its client and brings no credentials in HTTP. It may
// present a certificate in TLS.
func namesOnly(r Request) bool {
	return len(r.Authorization) == 0 && !r.Form.Has("client_secret") && !r.Form.Has("client_assertion") && r.Form.Has("client_id")
}

// Verify implements [Method]: a client that is registered as public and for no other
// method needs no more. Later code that must know whether the client authenticated asks
// [store.Client.Public].
func (None) Verify(_ context.Context, client store.Client, _ Credentials, _ time.Time) (Outcome, error) {
	return Outcome{Good: client.Public()}, nil
}
