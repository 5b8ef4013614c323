package handlers

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/oidc"
	"authserver/internal/store"
	"authserver/internal/tokens"
	"authserver/internal/trust/dpop"
	"authserver/internal/web"
)

// Userinfo is GET and POST /oauth2/userinfo (OpenID Connect Core §5.3).
type Userinfo struct {
	Clients *Clients // read the certificate of the connection
	Persons *oidc.Userinfo
	DPoP    DPoP
	Once    store.Assertions // proofs that were used
	Now     func() time.Time
}

// presented is the access token of a request, unverified.
type presented struct {
	token  string
	scheme string // oauth.Bearer or oauth.DPoP
}

func (e *Userinfo) serve(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	now := e.Now()
	p, err := e.present(r, n)
	if err == nil && p.scheme == oauth.DPoP {
		err = e.DPoP.giveNonce(w, now)
	}
	var info oidc.Info
	if err == nil {
		info, err = e.answer(r, n, p, now)
	}
	if err != nil {
		e.challenge(w, p, err)
		return err
	}
	if info.JWT == "" {
		web.WriteSecret(w, info.Claims)
		return nil
	}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Pragma", "no-cache")
	header.Set("Content-Type", "application/jwt")
	_, _ = w.Write([]byte(info.JWT)) // the caller is gone
	return nil
}

func (e *Userinfo) answer(r *http.Request, n *web.RequestInfo, p presented, now time.Time) (oidc.Info, error) {
	if p.token == "" {
		return oidc.Info{}, oauth.Fail(oauth.InvalidToken, "access_token_missing", "an access token is required: send it in the header Authorization")
	}
	claims, err := e.Persons.Token(r.Context(), now, p.token)
	n.ClientID = claims.ClientID
	noteToken(n, claims.About())
	if err != nil {
		return oidc.Info{}, err
	}
	client, err := e.Persons.Client(r.Context(), claims)
	if err != nil {
		return oidc.Info{}, err
	}
	once, err := e.possession(r, n, p, claims, client.Profile, now)
	if err != nil {
		return oidc.Info{}, unauthorized(err)
	}
	info, err := e.Persons.Answer(r.Context(), now, client, claims)
	if err != nil {
		return oidc.Info{}, err
	}
	return info, unauthorized(grants.UseUp(r.Context(), e.Once, once))
}

// unauthorized is the status of an invalid DPoP proof (RFC 9449 §7.1, §9).
func unauthorized(err error) error {
	var refused *oauth.Error
	if errors.As(err, &refused) && (refused.Code == oauth.InvalidDPoPProof || refused.Code == oauth.UseDPoPNonce) {
		return web.Unauthorized(refused)
	}
	return err
}

// present reads the access token: from the header Authorization, or from the form of a POST, but
// not from both (RFC 6750 §2). The URL must not contain it.
func (e *Userinfo) present(r *http.Request, n *web.RequestInfo) (presented, error) {
	if err := checkQuery(r.URL); err != nil {
		return presented{}, err
	}
	p, err := readAuthorization(r.Header.Values("Authorization"))
	if err != nil || r.Method != http.MethodPost {
		return p, err
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return p, nil //nolint:nilerr // the body is none that could hold a token
	}
	form, err := readForm(r, n)
	switch {
	case err != nil:
		return presented{}, err
	case !form.Has("access_token"):
		return p, nil
	case p.token != "":
		return presented{}, oauth.Fail(oauth.InvalidRequest, "access_token_twice", "the access token came in two ways: send it only in the header Authorization")
	}
	return presented{form.Get("access_token"), oauth.Bearer}, nil
}

// readAuthorization reads the header (RFC 6750 §2.1, RFC 9449 §7.1).
func readAuthorization(values []string) (presented, error) {
	if len(values) == 0 {
		return presented{}, nil
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.Trim(token, " ")
	for _, known := range []string{oauth.Bearer, oauth.DPoP} {
		if len(values) == 1 && strings.EqualFold(scheme, known) && token != "" && !strings.ContainsAny(token, " ,\t") {
			return presented{token, known}, nil
		}
	}
	return presented{}, oauth.Fail(oauth.InvalidRequest, "access_token_header", "the header Authorization has to be Bearer or DPoP and one access token")
}

// possession reads what the request proves of the keys to which its token is bound (RFC 9449 §7.1,
// RFC 8705 §3), and refuses the request if [grants.Possession.Holds] does. It also refuses a bearer
// token with the scheme DPoP, and the reverse.
func (e *Userinfo) possession(r *http.Request, n *web.RequestInfo, p presented, claims tokens.Claims, profile store.Profile, now time.Time) ([]grants.SingleUse, error) {
	bound := claims.Confirmation()
	var proved grants.Possession
	if bound.X5TS256 != "" {
		certificate, err := e.Clients.certificate(r)
		if err != nil {
			return nil, err
		}
		if certificate != nil {
			proved.X5TS256 = certificate.Thumbprint()
		}
	}
	if (bound.JKT != "") != (p.scheme == oauth.DPoP) {
		return nil, oauth.Fail(oauth.InvalidToken, "access_token_scheme", "send a token that is bound to a key with the scheme DPoP, and any other token with Bearer")
	}
	var once []grants.SingleUse
	if bound.JKT != "" {
		proofs := r.Header.Values("DPoP")
		if len(proofs) != 1 { // RFC 9449 §4.3, item 1
			return nil, refuseProof("dpop_missing", "the token is bound to a key: send one proof of it in the header DPoP")
		}
		proof, use, err := e.DPoP.checkOne(proofs[0], r.Method, p.token, n, now)
		if err != nil {
			return nil, err
		}
		proved.JKT, proved.Alg, once = proof.JKT, proof.Alg, use
		if err := proved.Fits(profile); err != nil {
			return nil, err
		}
	}
	return once, unproved(proved.Holds(claims.All))
}

// unproved is the answer to a token that is bound to a key which the request does not prove.
func unproved(err error) error {
	var lacks *grants.UnprovedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &lacks) && lacks.Member == "x5t#S256":
		return oauth.Fail(oauth.InvalidToken, "access_token_certificate", "the token is bound to a certificate that the connection did not present")
	}
	return oauth.Fail(oauth.InvalidToken, "access_token_key", "the proof is signed with another key than the one that the token is bound to").Because(err)
}

// challenge names the schemes, and the fault if there was a token (RFC 6750 §3, RFC 9449 §7.1).
func (e *Userinfo) challenge(w http.ResponseWriter, p presented, err error) {
	status, refused := web.Classify(err)
	if status != http.StatusUnauthorized && status != http.StatusForbidden {
		return
	}
	parameters := "realm=\"authserver\""
	if p.token != "" {
		parameters += fmt.Sprintf(", error=%q, error_description=%q", string(refused.Code), oauth.DescriptionText(refused.Description))
	}
	if refused.Code == oauth.InsufficientScope {
		parameters += ", scope=\"openid\""
	}
	if p.scheme == oauth.DPoP {
		parameters = "DPoP " + parameters + fmt.Sprintf(", algs=%q", strings.Join(dpop.Algorithms(e.DPoP.Algorithms), " "))
	} else {
		parameters = "Bearer " + parameters
	}
	w.Header().Set("WWW-Authenticate", parameters)
}
