package handlers

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/tokens"
	"authserver/test/browser"
)

// left returns the address outside of the server to which a browser was sent; "": none.
func left(p browser.Page) string {
	if p.Left == nil {
		return ""
	}
	return p.Left.String()
}

// fragment reads an answer that came in the fragment of the redirect URI.
func fragment(t *testing.T, p browser.Page) url.Values {
	t.Helper()
	rest, is := strings.CutPrefix(left(p), legacyCallback+"#")
	if !is {
		t.Fatalf("the browser goes to %s: %s", left(p), p.Body)
	}
	values, err := url.ParseQuery(rest)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func leftHalf(text string) string {
	hash := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(hash[:16])
}

// OAuth 2.0 Multiple Response Type Encoding Practices §3 to §5, OpenID Connect Core §3.2.2.5 and
// §3.3.2.5: the answer to a response type has exactly the parts that its words name.
func TestResponseTypes(t *testing.T) {
	_, b, v := people(t)
	b.SignIn(b.Open(authorization("legacy")), "alice", password)
	for _, responseType := range store.ResponseTypes() {
		t.Run(string(responseType), func(t *testing.T) {
			v := v
			v.TB = t
			words := strings.Fields(string(responseType))
			has := func(word string) bool { return strings.Contains(" "+strings.Join(words, " ")+" ", " "+word+" ") }
			page := b.Open(authorization("legacy", "response_type", string(responseType), "scope", "openid profile read offline_access"))
			var got url.Values
			if has("token") || has("id_token") {
				got = fragment(t, page)
			} else {
				got = page.Sent(t, legacyCallback+"?")
			}
			for parameter, wanted := range map[string]bool{
				"code": has("code"), "access_token": has("token"), "token_type": has("token"), "expires_in": has("token"), "scope": has("token"), "id_token": has("id_token"),
				"state": true, "iss": true, "refresh_token": false, "error": false,
			} {
				if got.Has(parameter) != wanted {
					t.Errorf("%s: %v, want %v: %v", parameter, got.Has(parameter), wanted, got)
				}
			}
			if has("token") {
				bearer := map[string]string{"Authorization": "Bearer " + got.Get("access_token")}
				if info := v.do(http.MethodGet, UserinfoPath, "", bearer).json(t); info["sub"] != aliceID || info["preferred_username"] != "alice" {
					t.Errorf("userinfo answers %v", info)
				}
				if offline := strings.Contains(got.Get("scope"), "offline_access"); offline != has("code") {
					t.Errorf("scope %q", got.Get("scope")) // OpenID Connect Core §11
				}
			}
			if has("id_token") {
				claims := decoded(t, got.Get("id_token"))
				for name, want := range map[string]any{"at_hash": got.Get("access_token"), "c_hash": got.Get("code"), "s_hash": "the state"} {
					if want != "" {
						want = leftHalf(want.(string))
					}
					if have, _ := claims[name].(string); have != want {
						t.Errorf("%s is %q, want %q", name, have, want)
					}
				}
				if claims["nonce"] != "the nonce" || claims["sub"] != aliceID || claims["aud"] != "legacy" {
					t.Errorf("the ID token says %v", claims)
				}
				if alone := claims["preferred_username"] != nil; alone != (responseType == store.ResponseIDToken) { // Core §5.4
					t.Errorf("claims of the scope in the ID token: %v", claims)
				}
			}
			if has("code") {
				exchanged := v.token("legacy", secret, "grant_type", "authorization_code", "code", got.Get("code"), "redirect_uri", legacyCallback, "code_verifier", verifier).json(t)
				if exchanged["refresh_token"] == nil || decoded(t, exchanged["id_token"].(string))["sub"] != aliceID {
					t.Errorf("the code is exchanged for %v", exchanged)
				}
			}
		})
	}
}

// These are the requirements and limits of requests with a response type other than code.
func TestResponseTypeRefused(t *testing.T) {
	s, b, _ := people(t)
	b.SignIn(b.Open(authorization("legacy")), "alice", password)
	for _, test := range []struct{ name, code, where string }{
		{"response_type=id_token&nonce=", "invalid_request", "#"},       // Core §3.2.2.1
		{"response_type=id_token token&nonce=", "invalid_request", "#"}, //
		{"response_type=code id_token&nonce=", "invalid_request", "#"},  // Core §3.3.2.11
		{"response_type=token id_token code&nonce=", "invalid_request", "#"},
		{"response_type=id_token&scope=read", "invalid_request", "#"},
		{"response_type=id_token&response_mode=query", "invalid_request", "#"},
		{"response_type=token&response_mode=query", "invalid_request", "#"},
		{"response_type=code token&response_mode=query", "invalid_request", "#"},
		{"response_type=token&dpop_jkt=" + challenge(), "invalid_request", "#"},
		{"response_type=id_token&prompt=none&max_age=0&nonce=n", "login_required", "#"},
		{"response_type=none token", "unsupported_response_type", "#"},
		{"response_type=code code", "unsupported_response_type", "?"},
		{"response_type=saml", "unsupported_response_type", "?"},
		{"response_type=", "invalid_request", "?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var changes []string
			for pair := range strings.SplitSeq(test.name, "&") {
				name, value, _ := strings.Cut(pair, "=")
				changes = append(changes, name, value)
			}
			s.wait(time.Second)
			page := b.Open(authorization("legacy", changes...))
			location, is := strings.CutPrefix(left(page), legacyCallback+test.where)
			got, err := url.ParseQuery(location)
			if !is || err != nil || got.Get("error") != test.code || got.Get("state") != "the state" || got.Has("id_token") || got.Has("access_token") || got.Has("code") {
				t.Errorf("the browser goes to %s: %s", left(page), page.Body)
			}
		})
	}
	for _, responseType := range store.ResponseTypes()[1:] {
		page := b.Open(authorization("second", "response_type", string(responseType)))
		if got := left(page); !strings.Contains(got, "error=unauthorized_client") {
			t.Errorf("%s for a client that is registered for code alone: %s", responseType, got)
		}
	}
}

// The access token of the front channel ends with its session, and if its code is replayed.
func TestFrontChannelTokenEnds(t *testing.T) {
	s, b, v := people(t)
	b.SignIn(b.Open(authorization("legacy")), "alice", password)
	active := func(token string) bool {
		return v.post(IntrospectPath, "legacy", secret, "token", token).json(t)["active"] == true
	}
	hybrid := fragment(t, b.Open(authorization("legacy", "response_type", "code token")))
	exchange := []string{"grant_type", "authorization_code", "code", hybrid.Get("code"), "redirect_uri", legacyCallback, "code_verifier", verifier}
	v.token("legacy", secret, exchange...)
	if !active(hybrid.Get("access_token")) {
		t.Fatal("the access token is not good from the start")
	}
	v.refused(v.post(TokenPath, "legacy", secret, exchange...), http.StatusBadRequest, "invalid_grant")
	if active(hybrid.Get("access_token")) {
		t.Error("it outlives the replay of its code")
	}
	implicit := fragment(t, b.Open(authorization("legacy", "response_type", "token"))).Get("access_token")
	sid := decoded(t, fragment(t, b.Open(authorization("legacy", "response_type", "id_token"))).Get("id_token"))["sid"].(string)
	if !active(implicit) {
		t.Fatal("the access token is not good from the start")
	}
	id, err := hex.DecodeString(sid)
	s.ok(err)
	s.ok(s.Revoker.Session(t.Context(), tokens.By{Actor: storetest.By().Actor, Reason: "session_revoked"}, store.SessionID(id)))
	if active(implicit) {
		t.Error("it outlives its session")
	}
}

// A pushed request is answered once, with any response type (RFC 9126 §4).
func TestPushedResponseTypes(t *testing.T) {
	_, b, v := people(t)
	b.SignIn(b.Open(authorization("legacy")), "alice", password)
	for _, responseType := range store.ResponseTypes() {
		query, _ := url.ParseQuery(strings.TrimPrefix(authorization("legacy", "response_type", string(responseType)), AuthorizePath+"?"))
		var parameters []string
		for name := range query {
			parameters = append(parameters, name, query.Get(name))
		}
		uri := v.post(PushPath, "legacy", secret, parameters...).text(t, "request_uri")
		address := AuthorizePath + "?" + url.Values{"client_id": {"legacy"}, "request_uri": {uri}}.Encode()
		if first := left(b.Open(address)); strings.Contains(first, "error=") {
			t.Errorf("%s: %s", responseType, first)
		}
		if again := left(b.Open(address)); !strings.Contains(again, "error=invalid_request_uri") {
			t.Errorf("%s: answered twice: %s", responseType, again)
		}
	}
}

// With form_post, no part of an answer is in an address (OAuth 2.0 Form Post Response Mode §2).
func TestFormPostResponseTypes(t *testing.T) {
	_, b, _ := people(t)
	b.SignIn(b.Open(authorization("legacy")), "alice", password)
	for _, responseType := range store.ResponseTypes() {
		page := b.Open(authorization("legacy", "response_type", string(responseType), "response_mode", "form_post"))
		for word := range strings.FieldsSeq(string(responseType)) {
			name := map[string]string{"code": "code", "token": "access_token", "id_token": "id_token", "none": "state"}[word]
			if !strings.Contains(page.Body, `name="`+name+`"`) {
				t.Errorf("%s: no field %s in %s", responseType, name, page.Body)
			}
		}
		if page.Left != nil || !strings.Contains(page.Body, legacyCallback) {
			t.Errorf("%s: %s %s", responseType, left(page), page.Body)
		}
	}
}
