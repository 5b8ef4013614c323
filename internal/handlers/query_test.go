package handlers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// URLs end up in logs. So every endpoint with a form refuses parameters in the URL, in every
// spelling, and tells the client, and our own log contains nothing of them.
func TestParametersInTheURL(t *testing.T) {
	const value = "kept-out-of-the-log"
	s := newSite(t)
	handler := s.public(0)
	post := func(path, query string) int {
		t.Helper()
		request := httptest.NewRequest(http.MethodPost, path, strings.NewReader("grant_type=client_credentials&client_id=web&client_secret="+secret))
		request.URL.RawQuery = query // as the server gets it: nothing checks it on the way
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, request)
		if strings.Contains(w.Body.String(), value) {
			t.Errorf("%s?%s: %d %s", path, query, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "not in its URL") {
			return http.StatusBadRequest
		}
		return http.StatusOK
	}
	var refused []string
	for _, name := range []string{
		"grant_type", "client_id", "client_secret", "username", "password", "refresh_token", "assertion", "client_assertion", "client_assertion_type",
		"token", "token_type_hint", "scope", "resource", "audience", "subject_token", "subject_token_type", "actor_token", "actor_token_type",
		"requested_token_type", "dpop_jkt", "access_token", "code", "code_verifier", "device_code",
	} {
		refused = append(refused, name+"="+value, strings.ToUpper(name)+"="+value, "x=1&"+name+"="+value)
	}
	refused = append(refused,
		"client_secret", "client_secret=", "x=1;client_secret="+value, ";client_secret="+value, "x;y;client_secret="+value,
		"client%5Fsecret="+value, "%63lient_secret="+value, "client%255Fsecret="+value, "client%25255Fsecret="+value, "Client%5fSecret="+value,
		"%zz&client_secret="+value, "client_secret=%zz"+value, "client_secret%zz="+value, "client_secret%="+value, "%&password="+value,
		"client_secret%3D"+value, "x=1%26client_secret="+value, "x%3Dy%3Bclient_secret%3D"+value, "?client_secret="+value, "x?token="+value,
		"client_secret[]="+value, "client_secret[0]="+value, "client_secret.x="+value, "client_secret%00="+value, "+client_secret="+value, "client_secret%20="+value,
		"%0Aclient_secret="+value, "clientSecret="+value, "client-secret="+value, "refreshToken="+value, "my_token="+value, "%EF%BB%BFpassword="+value,
		"\xff\xfeclient_secret="+value, "a=%2525252525252563", strings.Repeat("&", 5000)+"client_secret="+value,
	)
	for _, path := range []string{TokenPath, TokenAlias, IntrospectPath, RevokePath} {
		for _, query := range refused {
			if post(path, query) != http.StatusBadRequest {
				t.Errorf("POST %s?%.200s is not refused", path, query)
			}
		}
		for _, query := range []string{"", "tenant=one", "api-version=2026-01-01", "x=client_secret", "%zz", ";;&&", "x=%25", "hint=a+token"} {
			if post(path, query) != http.StatusOK {
				t.Errorf("POST %s?%s is refused", path, query)
			}
		}
	}
	if strings.Contains(s.log.String(), value) {
		t.Error("the value of a parameter in a URL is in the log")
	}
}
