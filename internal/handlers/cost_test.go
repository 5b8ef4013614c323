package handlers

import (
	"net/http"
	"testing"
	"time"

	"authserver/internal/store"
)

// cached makes the site read clients, resources and users from memory, as a server does.
func (s *site) cached() {
	s.Helper()
	cached, err := store.NewCached(s.db, store.CacheOptions{Size: 100, TTL: time.Hour, Now: s.clock})
	s.ok(err)
	s.SignIn.Authorizer.Clients = cached
	s.targets.Resources = cached
	s.Userinfo.Persons.Clients, s.Userinfo.Persons.Users = cached, cached
}

// With a session and a consent, an authorization request makes one read and one write, and userinfo
// makes no query.
func TestCostOfASignIn(t *testing.T) {
	s, b, v := people(t)
	s.cached()
	b.Approve(b.SignIn(b.Open(authorization("web-app")), "alice", password)).Sent(t, "https://app.example.com/")
	trips := func(do func()) int64 {
		before := s.db.RoundTrips()
		do()
		return s.db.RoundTrips() - before
	}
	code := ""
	if n := trips(func() { code = b.Open(authorization("web-app")).Sent(t, "https://app.example.com/").Get("code") }); n != 2 {
		t.Errorf("an authorization request with a session and a consent makes %d round trips, and not one read and one write", n)
	}
	if n := trips(func() { b.Open(authorization("web-app", "prompt", "login")) }); n > 2 {
		t.Errorf("a request that leads to the login page makes %d round trips, and not one for each of two addresses", n)
	}
	token := ""
	exchange := []string{"grant_type", "authorization_code", "code", code, "redirect_uri", appCallback, "code_verifier", verifier}
	token = v.token("web-app", secret, exchange...).text(t, "access_token")
	ask := func() { v.do(http.MethodGet, UserinfoPath, "", map[string]string{"Authorization": "Bearer " + token}) }
	ask() // fills the cache of users
	if n := trips(ask); n != 0 {
		t.Errorf("userinfo makes %d round trips with its caches warm", n)
	}
}
