package handlers

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"authserver/internal/store/storetest"
	"authserver/test/browser"
)

// framed returns the addresses of the frames of a page.
func framed(p browser.Page) []string {
	var found []string
	for _, match := range regexp.MustCompile(`<iframe [^>]*src="([^"]*)"`).FindAllStringSubmatch(p.Body, -1) {
		found = append(found, html.UnescapeString(match[1]))
	}
	return found
}

// OpenID Connect Front-Channel Logout 1.0 §3: the page that confirms the logout notifies the
// clients of that session, and no others.
func TestFrontChannelLogout(t *testing.T) {
	s, b, v := people(t)
	for id, uri := range map[string]string{"web-app": "https://app.example.com/frame?a=b", "second": "https://second.example.com/frame", "careful": "https://careful.example.com/frame"} {
		c, err := s.db.Client(t.Context(), id)
		s.ok(err)
		c.FrontchannelLogoutURI = uri
		s.ok(s.db.UpdateClient(t.Context(), c, storetest.By()))
	}
	elsewhere := s.browser(v.base)
	elsewhere.Approve(elsewhere.SignIn(elsewhere.Open(authorization("careful")), "alice", password)).Sent(t, "https://careful.example.com/")
	s.wait(time.Second)
	begin := func() (hint string, want []string) {
		t.Helper()
		hint = exchangeAt(t, b, v)["id_token"].(string)
		b.Open(authorization("second")).Sent(t, "https://second.example.com/cb?code=")
		query := "iss=" + url.QueryEscape(issuer) + "&sid=" + decoded(t, hint)["sid"].(string)
		return hint, []string{"https://second.example.com/frame?" + query, "https://app.example.com/frame?a=b&" + query}
	}
	told := func(name string, p browser.Page, want []string, refresh string) {
		t.Helper()
		if got := framed(p); p.Status != http.StatusOK || p.URL.Path != LogoutPath || !slices.Equal(got, want) {
			t.Errorf("%s: %d %v tells %q, want %q", name, p.Status, p.URL, got, want)
		}
		if policy := p.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "; frame-src https://second.example.com https://app.example.com") || strings.Contains(policy, "careful") {
			t.Errorf("%s: the policy is %s", name, policy)
		}
		if got := p.Header.Get("Refresh"); got != refresh {
			t.Errorf("%s: goes on to %q, want %q", name, got, refresh)
		}
		if isIn(b) {
			t.Errorf("%s: the session lives on", name)
		}
	}
	hint, want := begin()
	page := b.Open(logout("id_token_hint", hint, "post_logout_redirect_uri", appLoggedOut, "state", "x"))
	told("at the request of a client", page, want, "3; url="+appLoggedOut+"&state=x")
	told("reloaded", b.Open(strings.TrimPrefix(page.URL.String(), b.Base)), want, "3; url="+appLoggedOut+"&state=x")
	if _, leads := page.IDs["return"]; !leads {
		t.Error("the page does not lead back")
	}
	_, want = begin()
	told("by the person who was asked", b.Send(b.Open(LogoutPath), "decision", "yes"), want, "")
	_, want = begin()
	told("on the person's own page", submit(b, "/account/logout"), want, "")
	s.wait(time.Second)
	_, want = begin()
	told("everywhere", submit(b, "/account/session", "session", "all"), want, "")
}
