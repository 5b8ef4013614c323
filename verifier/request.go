package verifier

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"authserver/internal/jose"
	"authserver/internal/trust/dpop"
)

// VerifyRequest verifies the token in the header Authorization of a request to this API. If
// the token is bound, the request has to prove the possession of the key: by a DPoP proof
// (RFC 9449 §7.1), or by the client's certificate in TLS that ends in this process
// (RFC 8705 §3). A token in the query or in a form is ignored (RFC 6750 §2.2, §2.3). The errors
// are those of [Verifier.Verify].
func (v *Verifier) VerifyRequest(r *http.Request) (*Token, error) {
	token, isDPoP, err := presented(r)
	if err != nil {
		return nil, err
	}
	t, err := v.verify(r.Context(), token)
	if err != nil {
		return nil, err
	}
	if err := checkCertificate(t, r); err != nil {
		return nil, err
	}
	switch {
	case v.o.NoDPoP && (isDPoP || t.key != ""):
		return nil, invalidToken(fmt.Errorf("DPoP is not accepted here: send a token that is not bound to a key, with the scheme Bearer"))
	case isDPoP:
		if err := v.checkProof(t, token, r); err != nil {
			return nil, err
		}
	case t.key != "": // RFC 9449 §7.2: a thief, or a client that ignores token_type
		return nil, invalidToken(fmt.Errorf("it is bound to a key: send it with the scheme DPoP and a proof"))
	}
	return t, nil
}

// presented returns the token of a request, and whether the scheme is DPoP.
func presented(r *http.Request) (token string, isDPoP bool, err error) {
	values := r.Header.Values("Authorization")
	if len(values) > 1 {
		return "", false, refuse(http.StatusBadRequest, InvalidRequest, fmt.Errorf("the request has more than one header Authorization"))
	}
	missing := refuse(http.StatusUnauthorized, "", fmt.Errorf("no access token was sent"))
	if len(values) == 0 {
		return "", false, missing
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	isDPoP = strings.EqualFold(scheme, "DPoP")
	if !isDPoP && !strings.EqualFold(scheme, "Bearer") {
		return "", false, missing
	}
	return strings.TrimLeft(token, " "), isDPoP, nil
}

func checkCertificate(t *Token, r *http.Request) error {
	if t.certificate == "" {
		return nil
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return invalidToken(fmt.Errorf("it is bound to a certificate, and none was presented"))
	}
	if jose.Thumbprint256(r.TLS.PeerCertificates[0].Raw) != t.certificate {
		return invalidToken(fmt.Errorf("it is bound to another certificate"))
	}
	return nil
}

// checkProof accepts a proof once. It remembers the proof after all other checks, so that only
// a client with a token and its key uses memory.
func (v *Verifier) checkProof(t *Token, token string, r *http.Request) error {
	proofs := r.Header.Values("DPoP")
	if len(proofs) != 1 {
		return refuse(http.StatusUnauthorized, InvalidProof, fmt.Errorf("the request has to have exactly one header DPoP, with a proof"))
	}
	now := v.o.Now()
	proof, err := dpop.Check(proofs[0], dpop.Expect{
		Method: r.Method, Algorithms: v.o.ProofAlgorithms, URLs: v.base.called(r), AccessToken: token,
		Now: now, MaxAge: v.o.ProofAge, Skew: v.o.Skew,
	})
	if err != nil {
		return refuse(http.StatusUnauthorized, InvalidProof, err)
	}
	if t.key == "" || proof.JKT != t.key {
		return invalidToken(fmt.Errorf("it is not bound to the key of the proof"))
	}
	until := proof.IssuedAt.Add(v.o.ProofAge + v.o.Skew)
	err = v.proofs.add(proof.ID, holder{client: t.ClientID, subject: t.Subject, key: t.key}, until, now)
	if errors.Is(err, errUsed) {
		return refuse(http.StatusUnauthorized, InvalidProof, err)
	}
	return err
}
