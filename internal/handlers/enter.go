package handlers

import (
	"context"
	"net/http"

	"authserver/internal/admission"
	"authserver/internal/clientauth"
	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// Kinds of requests that are let in apart from each other, beside the grants.
const (
	KindIntrospection = "introspection"
	KindRevocation    = "revocation"
	KindOther         = "other" // a grant that does not exist
)

// enter waits until there is room for a request of a kind, and then finds its
// client and takes note of it. The caller calls leave at the end, error or not.
//
// Room comes before the proof, which costs work and asks the database. So the share that
// it takes is that of the client it names, from where it comes. Who names another's gets
// less for that one, from that address, and nothing of the rest.
func (h *Handlers) enter(r *http.Request, kind string, form oauth.Form, n *note) (who clientauth.Result, leave func(), err error) {
	leave = func() {}
	certificate, err := h.certificate(r)
	if err != nil {
		return who, leave, err
	}
	presented, err := h.Authenticator.Present(clientauth.Request{
		Authorization: r.Header.Values("Authorization"),
		Form:          form,
		Certificate:   certificate,
		Now:           h.Now(),
	})
	if err != nil {
		return who, leave, err
	}
	n.claimed = presented.Claimed
	if gate := h.gate(kind); gate != nil {
		by := presented.Claimed + " " + n.from.Share
		if err := gate.Enter(r.Context(), by); err != nil {
			return who, leave, err
		}
		leave = func() { gate.Leave(by) }
	}
	who, err = h.Authenticator.Authenticate(r.Context(), presented)
	n.method, n.claimed = who.Method, who.Claimed
	if who.Client != nil {
		n.clientID = who.Client.ID
	}
	return who, leave, err
}

// once adds what the client proved itself by to what else of a request is good once.
func once(who clientauth.Result, proof []grants.Once) []grants.Once {
	if who.Use == (store.Use{}) {
		return proof
	}
	return append(proof, grants.Once{Use: who.Use, Again: clientauth.UsedBefore})
}

// useUp uses up what the client proved itself by, when nothing else can refuse the
// request.
func (h *Handlers) useUp(ctx context.Context, who clientauth.Result) error {
	return grants.UseUp(ctx, h.Assertions, once(who, nil))
}

func (h *Handlers) gate(kind string) *admission.Gate {
	if gate, known := h.Gates[kind]; known {
		return gate
	}
	return h.Gates[KindOther]
}
