package tokens

import (
	"strings"
	"testing"
)

// RFC 9068 §2.1 requires at+jwt; some verifiers accept only JWT.
func TestATokenOfTypJWT(t *testing.T) {
	k := newKeyring(t)
	a := anAccess("RS256")
	a.Typ = PlainType
	minted := mint(t, newMinter(k), a)
	header, _, _ := parts(t, minted.Token)
	if typ := object(t, header)["typ"]; typ != "JWT" {
		t.Fatalf("its typ is %v", typ)
	}
	claims, err := newVerifier(k).Verify(noon, minted.Token)
	if err != nil || claims.ID != minted.ID {
		t.Fatalf("it is read as %+v, %v", claims, err)
	}
}

// These are other JWTs that this server signs, now or in future, under the same keys: the type JWT
// does not say what a token is, so the claims must.
func TestNoOtherJWTOfOursIsAnAccessToken(t *testing.T) {
	k := newKeyring(t)
	es := k.signers["ES256"]
	const event = "http://schemas.openid.net/event/backchannel-logout"
	for _, test := range []struct {
		name    string
		changes map[string]any
		want    string // "": it is an access token
	}{
		{"an access token", nil, ""},
		{"one without scopes", map[string]any{"scope": ""}, ""},
		{"an ID token", map[string]any{"client_id": nil, "scope": nil, "jti": nil, "aud": "web"}, "jti"},
		{"an ID token with a jti of ours", map[string]any{"client_id": nil, "scope": nil, "aud": "web"}, "client_id"},
		{"an ID token with a client_id", map[string]any{"scope": nil, "aud": "web"}, "scope"},
		{"an ID token with every claim of an access token and a nonce", map[string]any{"nonce": "n"}, "nonce"},
		{"the same with at_hash", map[string]any{"at_hash": "h"}, "at_hash"},
		{"the same with c_hash", map[string]any{"c_hash": "h"}, "c_hash"},
		{"the same with s_hash", map[string]any{"s_hash": "h"}, "s_hash"},
		{"the same with azp", map[string]any{"azp": "web"}, "azp"},
		{"a logout token", map[string]any{"events": map[string]any{event: map[string]any{}}}, "events"},
		{"without a subject", map[string]any{"sub": nil}, "sub"},
		{"a scope that is a list", map[string]any{"scope": []string{"read"}}, "scope"},
	} {
		for _, typ := range []string{"JWT", "jwt", "application/jwt"} {
			_, err := newVerifier(k).Verify(noon, forge(t, es, `{"alg":"ES256","kid":"ec-1","typ":"`+typ+`"}`, claimsOf(t, test.changes)))
			switch {
			case test.want == "" && err != nil:
				t.Errorf("%s, typ %s: %v", test.name, typ, err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("%s, typ %s: Verify returned %v, want an error that says %q", test.name, typ, err, test.want)
			}
		}
	}
	for _, typ := range []string{"", "id_token+jwt", "logout+jwt", "secevent+jwt", "dpop+jwt", "token-introspection+jwt", "client-authentication+jwt", "authorization-grant+jwt", "JWS", "at+jwt+jwt"} {
		if _, err := newVerifier(k).Verify(noon, forge(t, es, `{"alg":"ES256","kid":"ec-1","typ":"`+typ+`"}`, claimsOf(t, nil))); err == nil {
			t.Errorf("typ %q is taken", typ)
		}
	}
}

// No administrator can give an access token the claims of other JWTs.
func TestClaimsOfOtherJWTsAreReserved(t *testing.T) {
	for _, name := range foreignClaims() {
		if !Reserved(name) {
			t.Errorf("%s may be a custom claim", name)
		}
	}
}

func TestSaysAccess(t *testing.T) {
	for _, test := range []struct {
		typ, iss, self string
		want           bool
	}{
		{"at+jwt", "", issuer, true},
		{"application/AT+JWT", "https://idp.example.com", issuer, true},
		{"JWT", issuer, issuer, true},
		{"application/jwt", issuer, issuer, true},
		{"JWT", "https://idp.example.com", issuer, false},
		{"JWT", "", "", false},
		{"", issuer, issuer, false},
		{"dpop+jwt", issuer, issuer, false},
	} {
		if got := LooksLikeAccessToken(test.typ, test.iss, test.self); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}
