package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"authserver/internal/keys"
	"authserver/internal/oauth"
	"authserver/internal/testkit"
	"authserver/internal/trust/assertions"
	"authserver/internal/trust/dpop"
)

// The code of a pushed request is bound to the key of its proof, or the key that dpop_jkt names
// (RFC 9449 §10 and §10.1).
func TestPushedRequestIsBound(t *testing.T) {
	s, b, v := people(t)
	signing := s.signers()
	key, err := keys.Generate(keys.ES256)
	s.ok(err)
	other, err := keys.Generate(keys.ES256)
	s.ok(err)
	proofs := 0
	prove := func(by any, path string) string {
		proofs++
		proof, err := assertions.Sign("dpop+jwt", assertions.SigningKey{Key: by, Embed: true}, map[string]any{
			"jti": strings.Repeat("j", proofs), "htm": http.MethodPost, "htu": issuer + path, "iat": began.Unix(),
		})
		s.ok(err)
		return proof
	}
	checked, err := dpop.Check(prove(key, PushPath), dpop.Expect{Method: http.MethodPost, URLs: []string{issuer + PushPath}, Now: began})
	s.ok(err)
	post := func(path string, form url.Values, by any) answer {
		header := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
		if by != nil {
			header["DPoP"] = prove(by, path)
		}
		return v.do(http.MethodPost, path, form.Encode(), header)
	}
	parameters := func(jkt string) url.Values {
		query, err := url.ParseQuery(strings.TrimPrefix(authorization("spa", "dpop_jkt", jkt), AuthorizePath+"?"))
		s.ok(err)
		return query
	}
	v.refused(post(PushPath, parameters(checked.JKT), other), http.StatusBadRequest, oauth.InvalidDPoPProof)
	object := testkit.JWS(t, "ES256", signing, map[string]any{"alg": "ES256", "kid": "1"}, requestClaims("signer", map[string]any{"dpop_jkt": checked.JKT}))
	v.refused(post(PushPath, url.Values{"client_id": {"signer"}, "request": {object}}, other), http.StatusBadRequest, oauth.InvalidRequestObject)
	for name, pushed := range map[string]answer{
		"by a proof":            post(PushPath, parameters(""), key),
		"by dpop_jkt":           post(PushPath, parameters(checked.JKT), nil),
		"by both":               post(PushPath, parameters(checked.JKT), key),
		"by a signed dpop_jkt":  post(PushPath, url.Values{"client_id": {"signer"}, "request": {object}}, nil),
		"beside a signed proof": post(PushPath, url.Values{"client_id": {"signer"}, "request": {object}}, key),
	} {
		client, callback := "spa", spaCallback
		if strings.Contains(name, "signed") {
			client, callback = "signer", signerCallback
		}
		page := b.Open(AuthorizePath + "?" + url.Values{"client_id": {client}, "request_uri": {pushed.text(t, "request_uri")}}.Encode())
		if _, asked := page.IDs["password"]; asked {
			page = b.SignIn(page, "alice", password)
		}
		if _, asked := page.IDs["approve"]; asked {
			page = b.Approve(page)
		}
		exchange := url.Values{
			"client_id": {client}, "grant_type": {"authorization_code"}, "code": {page.Sent(t, callback).Get("code")}, "redirect_uri": {callback}, "code_verifier": {verifier},
		}
		v.refused(post(TokenPath, exchange, other), http.StatusBadRequest, oauth.InvalidGrant)
		v.refused(post(TokenPath, exchange, nil), http.StatusBadRequest, oauth.InvalidGrant)
		if got := post(TokenPath, exchange, key).json(t); got["token_type"] != oauth.DPoP {
			t.Errorf("%s: exchanged for %v", name, got)
		}
	}
}
