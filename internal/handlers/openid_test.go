package handlers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/oidc"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/test/browser"
)

const aliceID = "0199a6f4-0000-7000-8000-000000000001"

// exchangeAt signs alice in at an app and exchanges the code.
func exchangeAt(t *testing.T, b *browser.Browser, v visitor, changes ...string) map[string]any {
	t.Helper()
	p := b.Open(authorization("web-app", changes...))
	if _, asked := p.IDs["password"]; asked {
		p = b.SignIn(p, "alice", password)
	}
	if _, asked := p.IDs["approve"]; asked {
		p = b.Approve(p)
	}
	code := p.Sent(t, "https://app.example.com/").Get("code")
	return v.token("web-app", secret, "grant_type", "authorization_code", "code", code, "redirect_uri", appCallback, "code_verifier", verifier).json(t)
}

// OpenID Connect Core §2, §3.1.3.6, §5.4, §12.2.
func TestIDToken(t *testing.T) {
	s, b, v := people(t)
	tokens := exchangeAt(t, b, v, "scope", "openid profile read")
	if _, is := tokens["id_token"].(string); !is {
		t.Fatalf("no ID token: %v", tokens)
	}
	first := decoded(t, tokens["id_token"].(string))
	for name, want := range map[string]any{
		"iss": issuer, "sub": aliceID, "aud": "web-app", "azp": "web-app", "nonce": "the nonce", "acr": "1",
		"iat": float64(began.Unix()), "exp": float64(began.Add(maxTTL).Unix()), "auth_time": float64(began.Unix()),
	} {
		if first[name] != want {
			t.Errorf("%s is %v, want %v", name, first[name], want)
		}
	}
	for _, name := range []string{"at_hash", "amr", "sid"} {
		if first[name] == nil {
			t.Errorf("it has no %s: %v", name, first)
		}
	}
	if first["preferred_username"] != nil { // with an access token, userinfo has them
		t.Errorf("it has the claims of the scope profile: %v", first)
	}
	for _, name := range []string{"preferred_username", "name", "email"} {
		if access := decoded(t, tokens["access_token"].(string)); access[name] != nil {
			t.Errorf("the access token has the claim %s of a profile", name)
		}
	}

	s.wait(time.Minute)
	refreshed := v.token("web-app", secret, "grant_type", "refresh_token", "refresh_token", tokens["refresh_token"].(string)).json(t)
	second := decoded(t, refreshed["id_token"].(string))
	if second["nonce"] != nil || second["sub"] != first["sub"] || second["auth_time"] != first["auth_time"] || second["iat"] == first["iat"] || second["at_hash"] == first["at_hash"] {
		t.Errorf("refreshed: %v", second)
	}
	narrow := v.token("web-app", secret, "grant_type", "refresh_token", "refresh_token", refreshed["refresh_token"].(string), "scope", "read").json(t)
	if narrow["id_token"] != nil {
		t.Error("an ID token without the scope openid")
	}
	asked := exchangeAt(t, b, v, "scope", "openid profile read", "claims", `{"id_token":{"preferred_username":{"essential":true},"email":null}}`)
	if got := decoded(t, asked["id_token"].(string)); got["preferred_username"] != "alice" || got["email"] != nil {
		t.Errorf("asked for by the parameter claims: %v", got)
	}
	if plain := exchangeAt(t, b, v, "scope", "read"); plain["id_token"] != nil {
		t.Error("an ID token without the scope openid")
	}
}

// userinfoAt returns the claims of userinfo for an access token.
func userinfoAt(t *testing.T, v visitor, token string) map[string]any {
	t.Helper()
	return v.do(http.MethodGet, UserinfoPath, "", map[string]string{"Authorization": "Bearer " + token}).json(t)
}

// The parameter claims may request a claim without its scope, if the person agreed and the client
// may have that scope (OpenID Connect Core §5.5).
func TestClaimsWithoutTheirScope(t *testing.T) {
	_, b, v := people(t)
	ask := []string{"scope", "openid read", "claims", `{"userinfo":{"preferred_username":{"essential":true},"email":null,"sub":null},"id_token":{"preferred_username":null,"email":null}}`}
	exchangeAt(t, b, v, "scope", "openid read")
	consent := b.Open(authorization("web-app", ask...))
	if _, asked := consent.IDs["approve"]; !asked {
		t.Fatalf("the person is not asked for what the claim tells: %s", consent.Body)
	}
	tokens := exchangeAt(t, b, v, ask...)
	told := func(tokens map[string]any) {
		t.Helper()
		if tokens["scope"] != "openid read" {
			t.Errorf("the scope is %v", tokens["scope"])
		}
		info := userinfoAt(t, v, tokens["access_token"].(string))
		for where, claims := range map[string]map[string]any{"userinfo": info, "the ID token": decoded(t, tokens["id_token"].(string))} {
			if claims["preferred_username"] != "alice" || claims["name"] != nil || claims["updated_at"] != nil || claims["email"] != nil {
				t.Errorf("%s tells %v", where, claims)
			}
		}
	}
	told(tokens)
	tokens = v.token("web-app", secret, "grant_type", "refresh_token", "refresh_token", tokens["refresh_token"].(string)).json(t)
	told(tokens)

	// The next sign-in requests no such claim.
	plain := exchangeAt(t, b, v, "scope", "openid read")
	if info := userinfoAt(t, v, plain["access_token"].(string)); info["preferred_username"] != nil {
		t.Errorf("userinfo tells %v of another sign-in", info)
	}
}

// The server accepts only its own ID tokens for the client as a hint (Core §3.1.2.1).
func TestIDTokenHint(t *testing.T) {
	s, b, v := people(t)
	tokens := exchangeAt(t, b, v)
	hint := tokens["id_token"].(string)
	hints := oidc.Hints{Issuer: issuer, Keys: s.Verifier.Keys}
	subject, err := hints.HintSubject(store.Client{ID: "web-app"}, hint)
	if err != nil || subject != aliceID {
		t.Errorf("the hint says %q, %v", subject, err)
	}
	for name, at := range map[string]struct{ client, token string }{
		"another client's":          {"spa", hint},
		"an access token":           {"web-app", tokens["access_token"].(string)},
		"another signature":         {"web-app", hint[:len(hint)-8] + "AAAAAAAA"},
		"nothing of the kind":       {"web-app", "x"},
		"without a signature":       {"web-app", hint[:strings.LastIndex(hint, ".")+1]},
		"its payload with alg none": {"web-app", "eyJhbGciOiJub25lIn0" + hint[strings.Index(hint, "."):strings.LastIndex(hint, ".")+1]},
	} {
		if subject, err := hints.HintSubject(store.Client{ID: at.client}, at.token); err == nil {
			t.Errorf("%s is taken for %s", name, subject)
		}
	}
	b.Open(authorization("web-app", "id_token_hint", hint, "prompt", "none")).Sent(t, "https://app.example.com/callback?tenant=1&code=")
}

// OpenID Connect Core §5.3, RFC 6750 §2 and §3.
func TestUserinfo(t *testing.T) {
	s, b, v := people(t)
	tokens := exchangeAt(t, b, v, "scope", "openid profile read")
	token := tokens["access_token"].(string)
	bearer := map[string]string{"Authorization": "Bearer " + token}
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	for name, a := range map[string]answer{
		"GET":               v.do(http.MethodGet, UserinfoPath, "", bearer),
		"POST":              v.do(http.MethodPost, UserinfoPath, "", bearer),
		"POST with a form":  v.do(http.MethodPost, UserinfoPath, "access_token="+token, form),
		"bearer is a token": v.do(http.MethodGet, UserinfoPath, "", map[string]string{"Authorization": "bearer " + token}),
	} {
		if got := a.json(t); a.status != http.StatusOK || got["sub"] != aliceID || got["preferred_username"] != "alice" || got["email"] != nil || got["roles"] != nil {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	unscoped := exchangeAt(t, b, v, "scope", "read")["access_token"].(string)
	byPassword := v.login().text(t, "access_token")
	for _, test := range []struct {
		name   string
		a      answer
		status int
		code   oauth.Code
		says   string
	}{
		{"no token", v.do(http.MethodGet, UserinfoPath, "", nil), 401, oauth.InvalidToken, `Bearer realm="authserver"`},
		{"a damaged token", v.do(http.MethodGet, UserinfoPath, "", map[string]string{"Authorization": "Bearer " + token + "x"}), 401, oauth.InvalidToken, `Bearer realm="authserver", error="invalid_token"`},
		{"an ID token", v.do(http.MethodGet, UserinfoPath, "", map[string]string{"Authorization": "Bearer " + tokens["id_token"].(string)}), 401, oauth.InvalidToken, `error="invalid_token"`},
		{"a refresh token", v.do(http.MethodGet, UserinfoPath, "", map[string]string{"Authorization": "Bearer " + tokens["refresh_token"].(string)}), 401, oauth.InvalidToken, `error="invalid_token"`},
		{"a free token as a bound one", v.do(http.MethodGet, UserinfoPath, "", map[string]string{"Authorization": "DPoP " + token}), 401, oauth.InvalidToken, `DPoP realm="authserver", error="invalid_token"`},
		{"without openid", v.do(http.MethodGet, UserinfoPath, "", map[string]string{"Authorization": "Bearer " + unscoped}), 403, oauth.InsufficientScope, `error="insufficient_scope"`},
		{"of no sign-in", v.do(http.MethodGet, UserinfoPath, "", map[string]string{"Authorization": "Bearer " + byPassword}), 403, oauth.InsufficientScope, `scope="openid"`},
		{"in two ways", v.do(http.MethodPost, UserinfoPath, "access_token="+token, map[string]string{"Content-Type": form["Content-Type"], "Authorization": "Bearer " + token}), 400, oauth.InvalidRequest, ""},
		{"in the URL", v.do(http.MethodGet, UserinfoPath+"?access_token="+token, "", nil), 400, oauth.InvalidRequest, ""},
		{"by another scheme", v.do(http.MethodGet, UserinfoPath, "", map[string]string{"Authorization": "Basic " + token}), 400, oauth.InvalidRequest, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := v
			v.TB = t
			v.refused(test.a, test.status, test.code)
			if got := test.a.header.Get("WWW-Authenticate"); !strings.Contains(got, test.says) || test.says == "" && got != "" || test.a.status == 401 && test.name == "no token" && got != test.says {
				t.Errorf("challenges with %q", got)
			}
		})
	}
	v.post(RevokePath, "web-app", secret, "token", tokens["refresh_token"].(string))
	v.refused(v.do(http.MethodGet, UserinfoPath, "", bearer), 401, oauth.InvalidToken)
	late := exchangeAt(t, b, v)["access_token"].(string)
	s.wait(maxTTL)
	v.refused(v.do(http.MethodGet, UserinfoPath, "", map[string]string{"Authorization": "Bearer " + late}), 401, oauth.InvalidToken)
}

// Signed userinfo is only for its client (Core §5.3.2), and a client with pairwise subjects never
// learns the public one.
func TestUserinfoSigned(t *testing.T) {
	s, b, v := people(t)
	client, err := s.db.Client(t.Context(), "web-app")
	s.ok(err)
	client.UserinfoAlg = "ES256"
	s.ok(s.db.UpdateClient(t.Context(), client, storetest.By()))
	bearer := map[string]string{"Authorization": "Bearer " + exchangeAt(t, b, v)["access_token"].(string)}
	a := v.do(http.MethodGet, UserinfoPath, "", bearer)
	if a.header.Get("Content-Type") != "application/jwt" {
		t.Fatalf("answered %d %s", a.status, a.body)
	}
	if got := decoded(t, a.body); got["iss"] != issuer || got["aud"] != "web-app" || got["sub"] != aliceID {
		t.Errorf("it says %v", got)
	}
	client, err = s.db.Client(t.Context(), "web-app")
	s.ok(err)
	client.SubjectType = store.SubjectPairwise
	s.ok(s.db.UpdateClient(t.Context(), client, storetest.By()))
	got := v.do(http.MethodGet, UserinfoPath, "", bearer)
	if subject, _ := decoded(t, got.body)["sub"].(string); subject == "" || subject == aliceID {
		t.Errorf("pairwise: %d %s", got.status, got.body)
	}
}

// Both paths have the same document (RFC 8414 §3.1, OpenID Connect Discovery §4).
func TestDiscovery(t *testing.T) {
	s := newSite(t)
	s.Issuer = issuer + "/tenant"
	v := s.visit(s.public(0), http.DefaultClient)
	want := v.do(http.MethodGet, MetadataPath, "", nil)
	for _, path := range []string{DiscoveryPath, "/tenant" + DiscoveryPath, DiscoveryPath + "/tenant", "/tenant" + MetadataPath} {
		if got := v.do(http.MethodGet, path, "", nil); got.status != http.StatusOK || got.body != want.body {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	says := want.json(t)
	if says["userinfo_endpoint"] != s.Metadata.Issuer+UserinfoPath || says["request_uri_parameter_supported"] != false || says["request_parameter_supported"] != true {
		t.Errorf("it says %v", says)
	}
	// RP-Initiated Logout 1.0 §2.1, Back-Channel Logout 1.0 §2.1, Front-Channel Logout 1.0 §3.
	if says["end_session_endpoint"] != s.Metadata.Issuer+EndSessionPath {
		t.Errorf("end_session_endpoint is %v", says["end_session_endpoint"])
	}
	for _, name := range []string{"backchannel_logout_supported", "backchannel_logout_session_supported", "frontchannel_logout_supported", "frontchannel_logout_session_supported"} {
		if says[name] != true {
			t.Errorf("%s is %v", name, says[name])
		}
	}
	if algs := says["id_token_signing_alg_values_supported"].([]any); len(algs) != 2 || algs[0] != "RS256" { // Discovery §3: RS256 MUST be included
		t.Errorf("ID tokens are signed with %v", algs)
	}
}

// Only the pages of registered apps may read the endpoints for programs.
func TestPagesOfAppsMayRead(t *testing.T) {
	_, _, v := people(t)
	for _, path := range []string{TokenPath, TokenAlias, UserinfoPath, RevokePath} {
		for origin, want := range map[string]string{
			"https://app.example.com": "https://app.example.com", "http://127.0.0.1:8090": "http://127.0.0.1:8090",
			"https://app.example.com:8443": "", "http://app.example.com": "", "https://app.example.com.evil.example": "", "https://evil.example": "", "null": "", "http://127.0.0.1:8091": "",
		} {
			for _, method := range []string{http.MethodOptions, http.MethodPost} {
				a := v.do(method, path, "", map[string]string{"Origin": origin, "Content-Type": "application/x-www-form-urlencoded"})
				if got := a.header.Get("Access-Control-Allow-Origin"); got != want || a.header.Get("Access-Control-Allow-Credentials") != "" || a.header.Get("Vary") != "Origin" {
					t.Errorf("%s %s from %s: %v", method, path, origin, corsHeaders(a))
				}
			}
		}
	}
	for _, path := range []string{AuthorizePath, LoginPath, IntrospectPath} {
		if got := corsHeaders(v.do(http.MethodPost, path, "", map[string]string{"Origin": "https://app.example.com"})); len(got) > 0 {
			t.Errorf("%s: %v", path, got)
		}
	}
}
