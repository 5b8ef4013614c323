package handlers

import (
	"context"
	"net/http"
	"time"

	"authserver/internal/admission"
	"authserver/internal/clientauth"
	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/web"
)

// The kinds of requests with a queue of their own, in addition to the grants.
const (
	KindIntrospection = "introspection"
	KindRevocation    = "revocation"
	KindOther         = "other" // a grant that does not exist
)

// Clients admits and authenticates the clients of an endpoint.
type Clients struct {
	Authenticator *clientauth.Authenticator
	// CertificateProxies are the proxies whose header Client-Cert is believed.
	CertificateProxies web.Proxies
	// Gates bound the number of requests of a kind (a grant, or one of the above) that are worked
	// on at once; nil: no bound.
	Gates      map[string]*admission.Gate
	Assertions store.Assertions // records single uses
	Now        func() time.Time
}

// enter waits until there is room for a request of a kind, and then authenticates its
// client. The caller calls leave at the end, error or not.
//
// The wait comes first, because authentication costs work and queries. So the request
// counts for the client that it names, at its own address. A request that names another
// client's ID takes places from that client at that address alone.
func (c *Clients) enter(r *http.Request, kind string, form oauth.Form, n *web.RequestInfo) (who clientauth.Result, leave func(), err error) {
	leave = func() {}
	certificate, err := c.certificate(r)
	if err != nil {
		return who, leave, err
	}
	presented, err := c.Authenticator.Present(clientauth.Request{
		Authorization: r.Header.Values("Authorization"),
		Form:          form,
		Certificate:   certificate,
		From:          n.From.Share,
		RequestID:     telemetry.RequestID(r.Context()),
		Now:           c.Now(),
	})
	if err != nil {
		return who, leave, err
	}
	n.Claimed = presented.Claimed
	if gate := c.gate(kind); gate != nil {
		by := presented.Claimed + " " + n.From.Share
		if err := gate.Enter(r.Context(), by); err != nil {
			return who, leave, err
		}
		leave = func() { gate.Leave(by) }
	}
	who, err = c.Authenticator.Authenticate(r.Context(), presented)
	n.Method, n.Claimed = string(who.Method), who.Claimed
	if who.Client != nil {
		n.ClientID = who.Client.ID
	}
	return who, leave, err
}

// withAuthenticationUse adds the client's single-use credentials to the other single uses of a
// request.
func withAuthenticationUse(who clientauth.Result, proof []grants.SingleUse) []grants.SingleUse {
	if who.Use == (store.Use{}) {
		return proof
	}
	return append(proof, grants.SingleUse{Use: who.Use, OnReplay: clientauth.UsedBefore})
}

// useUp records the use of single-use credentials, when nothing else can refuse the request.
func (c *Clients) useUp(ctx context.Context, who clientauth.Result, proofs ...grants.SingleUse) error {
	return grants.UseUp(ctx, c.Assertions, withAuthenticationUse(who, proofs))
}

func (c *Clients) gate(kind string) *admission.Gate {
	if gate, known := c.Gates[kind]; known {
		return gate
	}
	return c.Gates[KindOther]
}
