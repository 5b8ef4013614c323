package bench

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"authserver/bench/load"
	"authserver/test/harness"
)

const appCallback = "https://app.example.com/callback"

// pkce is the verifier of every request of the app.
const pkce = "a-verifier-of-the-length-that-RFC-7636-asks-for"

// newApp registers an app to which people sign in.
func (s *stage) newApp(b testing.TB) harness.Credentials {
	b.Helper()
	made := s.deployment.JSON("", "client", "create", "--id", "app", "--grant", "authorization_code", "--scope", "openid", "--scope", "read",
		"--resource", apiES256, "--redirect-uri", appCallback)
	return harness.Credentials{ID: "app", Secret: fmt.Sprint(made["client_secret"])}
}

// authorization returns the path of an authorization request of the app.
func (s *stage) authorization() string {
	return "/oauth2/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {s.app.ID}, "redirect_uri": {appCallback}, "scope": {"openid read"}, "state": {"a state"},
		"resource": {apiES256}, "nonce": {"a nonce"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(pkce)}, "code_challenge_method": {"S256"},
	}.Encode()
}

// hidden matches the sealed request in the form of a page.
var hidden = regexp.MustCompile(`name="continue" value="([^"]+)"`)

// browse is a person's browser without pages: it returns the address of the redirect, or the page.
func (s *stage) browse(b testing.TB, cookie, path string, form url.Values) (location, page, set string) {
	b.Helper()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(b.Context(), method, "http://"+s.address+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	request.Header.Set("Cookie", cookie)
	answer, err := http.DefaultTransport.RoundTrip(request) // follows no redirect
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range answer.Header.Values("Set-Cookie") {
		if pair, _, _ := strings.Cut(c, ";"); strings.Contains(pair, "session=") {
			set = pair
		}
	}
	return answer.Header.Get("Location"), string(body), set
}

// signIn signs alice in and consents, and returns the cookie of the session.
func (s *stage) signIn(b testing.TB) (cookie string) {
	b.Helper()
	next := s.authorization()
	for range 10 {
		location, page, _ := s.browse(b, cookie, next, nil)
		if location == "" {
			form := hidden.FindStringSubmatch(page)
			if form == nil {
				b.Fatalf("%s shows %s", next, page)
			}
			path, _, _ := strings.Cut(next, "?")
			set := ""
			location, _, set = s.browse(b, cookie, path, url.Values{
				"continue": {form[1]}, "username": {"alice"}, "password": {"curiouser-and-curiouser"}, "decision": {"approve"},
			})
			if set != "" {
				cookie = set
			}
		}
		if strings.HasPrefix(location, appCallback+"?code=") {
			return cookie
		}
		next = location
	}
	b.Fatal("alice does not get to the app")
	return ""
}

// authorizing sends a person who has signed in and consented back to the app.
func authorizing(b testing.TB, s *stage, duration time.Duration) load.Job {
	return load.Job{Connections: connections, Duration: duration, Requests: [][]byte{s.get(b, s.authorization(), "Cookie", s.signIn(b))}}
}

// loginPage is the page on which a person signs in.
func loginPage(b testing.TB, s *stage, duration time.Duration) load.Job {
	location, _, _ := s.browse(b, "", s.authorization(), nil)
	if !strings.HasPrefix(location, "/login?") {
		b.Fatalf("the browser is sent to %s", location)
	}
	return load.Job{Connections: connections, Duration: duration, Requests: [][]byte{s.get(b, location)}}
}

// code returns an authorization code, which only the app can redeem.
func (s *stage) code(b testing.TB, cookie string) string {
	b.Helper()
	location, _, _ := s.browse(b, cookie, s.authorization(), nil)
	u, err := url.Parse(location)
	if err != nil || u.Query().Get("code") == "" {
		b.Fatalf("the browser is sent to %s (%v)", location, err)
	}
	return u.Query().Get("code")
}

func redemption(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {appCallback}, "code_verifier": {pkce}}
}

// redeeming redeems a code with each request.
func redeeming(b testing.TB, s *stage, duration time.Duration) load.Job {
	cookie := s.signIn(b)
	return once(most/4, func(b testing.TB, s *stage) []byte {
		return s.post(b, "/oauth2/token", s.app, redemption(s.code(b, cookie)))
	})(b, s, duration)
}

// userinfo requests the claims of the person.
func userinfo(b testing.TB, s *stage, duration time.Duration) load.Job {
	token := s.MustToken(b, s.app, redemption(s.code(b, s.signIn(b)))).Text("access_token")
	return load.Job{Connections: connections, Duration: duration, Requests: [][]byte{s.get(b, "/oauth2/userinfo", "Authorization", "Bearer "+token)}}
}
