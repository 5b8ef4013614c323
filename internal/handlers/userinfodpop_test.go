package handlers

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"authserver/internal/keys"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/trust/assertions"
	"authserver/internal/web"
)

// A token that is bound to a key is accepted only with a proof of that key (RFC 9449 §7.1 and
// §11.1).
func TestUserinfoWantsTheProof(t *testing.T) {
	s, b, v := people(t)
	key, err := keys.Generate(keys.ES256)
	s.ok(err)
	other, err := keys.Generate(keys.ES256)
	s.ok(err)
	prove := func(by any, jti, method, path, token string) string {
		claims := map[string]any{"jti": jti, "htm": method, "htu": issuer + path, "iat": began.Unix()}
		if token != "" {
			hash := sha256.Sum256([]byte(token))
			claims["ath"] = base64.RawURLEncoding.EncodeToString(hash[:])
		}
		proof, err := assertions.Sign("dpop+jwt", assertions.SigningKey{Key: by, Embed: true}, claims)
		s.ok(err)
		return proof
	}
	code := b.Approve(b.SignIn(b.Open(authorization("spa")), "alice", password)).Sent(t, spaCallback).Get("code")
	form := url.Values{"client_id": {"spa"}, "grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {spaCallback}, "code_verifier": {verifier}}
	token := v.do(http.MethodPost, TokenPath, form.Encode(), map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "DPoP": prove(key, "1", http.MethodPost, TokenPath, ""),
	}).text(t, "access_token")
	bound := map[string]string{"Authorization": "DPoP " + token}
	with := func(proof string) map[string]string {
		h := maps.Clone(bound)
		h["DPoP"] = proof
		return h
	}
	good := with(prove(key, "2", http.MethodGet, UserinfoPath, token))
	if a := v.do(http.MethodGet, UserinfoPath, "", good); a.status != http.StatusOK || a.json(t)["sub"] != aliceID {
		t.Fatalf("answered %d %s", a.status, a.body)
	}
	for name, test := range map[string]struct {
		header map[string]string
		code   oauth.Code
	}{
		"as a bearer token":    {map[string]string{"Authorization": "Bearer " + token}, oauth.InvalidToken},
		"without a proof":      {bound, oauth.InvalidDPoPProof},
		"the same proof again": {good, oauth.InvalidDPoPProof},
		"of another key":       {with(prove(other, "3", http.MethodGet, UserinfoPath, token)), oauth.InvalidToken},
		"of another method":    {with(prove(key, "4", http.MethodPost, UserinfoPath, token)), oauth.InvalidDPoPProof},
		"of another URL":       {with(prove(key, "5", http.MethodGet, TokenPath, token)), oauth.InvalidDPoPProof},
		"without the token":    {with(prove(key, "6", http.MethodGet, UserinfoPath, "")), oauth.InvalidDPoPProof},
		"with another's token": {with(prove(key, "7", http.MethodGet, UserinfoPath, token+"x")), oauth.InvalidDPoPProof},
	} {
		t.Run(name, func(t *testing.T) {
			v := v
			v.TB = t
			a := v.do(http.MethodGet, UserinfoPath, "", test.header)
			v.refused(a, http.StatusUnauthorized, test.code)
			if a.header.Get("WWW-Authenticate") == "" {
				t.Error("it does not say how to come")
			}
		})
	}

	// FAPI 2.0 Security Profile §5.4.1: the token endpoint would not have bound a token to this
	// key.
	rsa, err := keys.Generate(keys.RS256)
	s.ok(err)
	token = v.do(http.MethodPost, TokenPath, url.Values{
		"client_id": {"spa"}, "grant_type": {"authorization_code"}, "redirect_uri": {spaCallback}, "code_verifier": {verifier},
		"code": {b.Open(authorization("spa")).Sent(t, spaCallback).Get("code")},
	}.Encode(), map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "DPoP": prove(rsa, "8", http.MethodPost, TokenPath, ""),
	}).text(t, "access_token")
	bound = map[string]string{"Authorization": "DPoP " + token}
	fine := v.do(http.MethodGet, UserinfoPath, "", with(prove(rsa, "9", http.MethodGet, UserinfoPath, token)))
	if fine.status != http.StatusOK {
		t.Fatalf("answered %d %s", fine.status, fine.body)
	}
	client, err := s.db.Client(t.Context(), "spa")
	s.ok(err)
	client.Profile = store.ProfileFAPI2
	s.ok(s.db.UpdateClient(t.Context(), client, storetest.By()))
	v.refused(v.do(http.MethodGet, UserinfoPath, "", with(prove(rsa, "10", http.MethodGet, UserinfoPath, token))), http.StatusUnauthorized, oauth.InvalidDPoPProof)
}

// A token that is bound to a certificate is good in a connection with that certificate alone (RFC
// 8705 §3).
func TestUserinfoWantsTheCertificate(t *testing.T) {
	s, b, v := people(t)
	own, other := selfSigned(t), selfSigned(t)
	s.Clients.CertificateProxies = web.Proxies{netip.MustParsePrefix("127.0.0.1/32")}
	client, err := s.db.Client(t.Context(), "spa")
	s.ok(err)
	client.TLSBound = true
	s.ok(s.db.UpdateClient(t.Context(), client, storetest.By()))
	code := b.Approve(b.SignIn(b.Open(authorization("spa")), "alice", password)).Sent(t, spaCallback).Get("code")
	token := v.do(http.MethodPost, TokenPath, url.Values{
		"client_id": {"spa"}, "grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {spaCallback}, "code_verifier": {verifier},
	}.Encode(), map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Client-Cert": forwarded(own)}).text(t, "access_token")
	bearer := map[string]string{"Authorization": "Bearer " + token}
	v.refused(v.do(http.MethodGet, UserinfoPath, "", bearer), http.StatusUnauthorized, oauth.InvalidToken)
	bearer["Client-Cert"] = forwarded(other)
	v.refused(v.do(http.MethodGet, UserinfoPath, "", bearer), http.StatusUnauthorized, oauth.InvalidToken)
	if line := lastLine(s.log.String()); !strings.Contains(line, `"reason":"access_token_certificate"`) {
		t.Errorf("the log says %s", line)
	}
	bearer["Client-Cert"] = forwarded(own)
	if a := v.do(http.MethodGet, UserinfoPath, "", bearer); a.status != http.StatusOK || a.json(t)["sub"] != aliceID {
		t.Errorf("answered %d %s", a.status, a.body)
	}
}
