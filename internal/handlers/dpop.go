package handlers

import (
	"net/http"
	"time"

	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/trust/dpop"
	"authserver/internal/web"
)

// DPoP checks proofs of possession at the token endpoint (RFC 9449 §5) and at userinfo (§7).
type DPoP struct {
	Algorithms []string // that they may be signed with; nil: any
	Skew       time.Duration
	Nonces     interface { // nil: none are wanted
		Make(now time.Time) (string, error)
		Good(now time.Time, nonce string) bool
	}
}

// proofAge is how long after its iat a proof may come.
const proofAge = time.Minute

// giveNonce sends the nonce for the next proof with every answer of the token endpoint (RFC 9449
// §8.2).
func (p DPoP) giveNonce(w http.ResponseWriter, now time.Time) error {
	if p.Nonces == nil {
		return nil
	}
	nonce, err := p.Nonces.Make(now)
	if err != nil {
		return err
	}
	w.Header().Set("DPoP-Nonce", nonce)
	return nil
}

// check verifies the DPoP proof of a request, and returns its single use, which holds for all
// replicas (RFC 9449 §11.1). It does not record the use, because the request may still fail. The
// zero [dpop.Proof] stands for a request without one.
func (p DPoP) check(r *http.Request, form oauth.Form, n *web.RequestInfo, now time.Time) (dpop.Proof, []grants.SingleUse, error) {
	proofs := r.Header.Values("DPoP")
	switch {
	case len(proofs) > 1: // RFC 9449 §4.3, item 1
		return dpop.Proof{}, nil, refuseProof("dpop_repeated", "the header DPoP appears more than once")
	case len(proofs) == 0 && form.Has("dpop_jkt"):
		return dpop.Proof{}, nil, refuseProof("dpop_missing", "dpop_jkt names a key: send a proof of it in the header DPoP")
	case len(proofs) == 0:
		return dpop.Proof{}, nil, nil
	}
	proof, once, err := p.checkOne(proofs[0], r.Method, "", n, now)
	if err != nil {
		return dpop.Proof{}, nil, err
	}
	if jkt := form.Get("dpop_jkt"); jkt != "" && jkt != proof.JKT {
		return dpop.Proof{}, nil, refuseProof("dpop_jkt", "dpop_jkt is not the thumbprint of the key in the proof")
	}
	return proof, once, nil
}

// checkOne checks a proof. accessToken is the token that comes with the proof; "": none.
func (p DPoP) checkOne(text, method, accessToken string, n *web.RequestInfo, now time.Time) (dpop.Proof, []grants.SingleUse, error) {
	proof, err := dpop.Check(text, dpop.Expect{
		Method: method, Algorithms: p.Algorithms, URLs: n.URLs, AccessToken: accessToken,
		Now: now, MaxAge: proofAge, Skew: p.Skew,
	})
	if err != nil {
		return dpop.Proof{}, nil, refuseProof("dpop_refused", "the proof in the header DPoP is not accepted: "+err.Error())
	}
	if p.Nonces != nil && !p.Nonces.Good(now, proof.Nonce) { // RFC 9449 §8
		return dpop.Proof{}, nil, oauth.Fail(oauth.UseDPoPNonce, "dpop_nonce", "the proof has to contain the nonce of the header DPoP-Nonce: make a new proof with it")
	}
	until := proof.IssuedAt.Add(proofAge + 2*p.Skew) // also by the clock of a replica that is behind
	return proof, []grants.SingleUse{{
		Use:      store.Use{Issuer: store.ProofUses, ID: proof.ID, ExpiresAt: store.At(until)},
		OnReplay: proofReplayed,
	}}, nil
}

func proofReplayed() *oauth.Error {
	return refuseProof("dpop_replayed", "the proof was used before: make a new one for each request").ForAudit()
}

func refuseProof(reason, text string) *oauth.Error {
	return oauth.Fail(oauth.InvalidDPoPProof, reason, text)
}
