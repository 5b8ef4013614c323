package handlers

import (
	"net/http"
	"time"

	"authserver/internal/authorize"
	"authserver/internal/grants"
	"authserver/internal/web"
)

// KindPush is the kind of pushed authorization requests.
const KindPush = "pushed_request"

// Push is POST /oauth2/par (RFC 9126).
type Push struct {
	Clients    *Clients
	Authorizer *authorize.Authorizer
	DPoP       DPoP
	Now        func() time.Time
}

// pushedBody is the answer of RFC 9126 §2.2.
type pushedBody struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int64  `json:"expires_in"` // seconds
}

func (e *Push) serve(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	now := e.Now()
	if err := e.DPoP.giveNonce(w, now); err != nil {
		return err
	}
	form, body, err := readFormText(r, n)
	if err != nil {
		return err
	}
	who, leave, err := e.Clients.enter(r, KindPush, form, n)
	defer leave()
	if err != nil {
		return err
	}
	if who.Client == nil {
		return clientRequired()
	}
	jkt, proofs := "", []grants.SingleUse(nil)
	if len(r.Header.Values("DPoP")) > 0 { // RFC 9449 §10.1: dpop_jkt alone needs no proof here
		proof, proved, err := e.DPoP.check(r, form, n, now)
		if err != nil {
			return err
		}
		jkt, proofs = proof.JKT, proved
	}
	uri, err := e.Authorizer.Push(r.Context(), *who.Client, body, jkt, now)
	if err != nil {
		return err
	}
	if err := e.Clients.useUp(r.Context(), who, proofs...); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	web.WriteJSON(w, http.StatusCreated, pushedBody{uri, int64(authorize.PushedTTL / time.Second)})
	return nil
}
