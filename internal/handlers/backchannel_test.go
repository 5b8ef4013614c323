package handlers

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"authserver/internal/oidc"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/trust/remotekeys"
)

// listener is an app that gets logout tokens.
type listener struct {
	mu     sync.Mutex
	status int
	tokens []string
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tokens = append(l.tokens, r.PostFormValue("logout_token"))
	w.WriteHeader(l.status)
}

// backchannel delivers to the web app, which listens.
func backchannel(t *testing.T, s *site) (*oidc.Backchannel, *listener) {
	t.Helper()
	l := &listener{status: http.StatusOK}
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	c, err := s.db.Client(t.Context(), "web-app")
	s.ok(err)
	c.BackchannelLogoutURI = server.URL + "/logout"
	s.ok(s.db.UpdateClient(t.Context(), c, storetest.By()))
	fetcher := remotekeys.NewFetcher(remotekeys.FetcherOptions{AllowHTTP: true})
	return &oidc.Backchannel{
		Store: s.db, Clients: s.db, Sender: fetcher, Actor: storetest.By().Actor, Now: s.clock, Logger: slog.New(slog.DiscardHandler),
		Tokens: &oidc.LogoutTokens{Issuer: issuer, Signer: s.Userinfo.Persons.Signer, Encrypter: s.Userinfo.Persons.Encrypter, Pairwise: s.Userinfo.Persons.Pairwise, Rand: rand.Reader},
	}, l
}

func theDelivery(t *testing.T, s *site) store.Delivery {
	t.Helper()
	rows, err := s.db.ListDeliveries(t.Context(), store.DeliveryPage{Limit: 10})
	s.ok(err)
	if len(rows) != 1 {
		t.Fatalf("%d deliveries: %+v", len(rows), rows)
	}
	return rows[0]
}

// OpenID Connect Back-Channel Logout 1.0 §2.4 and §2.5.
func TestLogoutTokensAreDelivered(t *testing.T) {
	s, b, v := people(t)
	back, app := backchannel(t, s)
	idToken := decoded(t, exchangeAt(t, b, v)["id_token"].(string))
	s.ok(back.Deliver(t.Context()))
	if len(app.tokens) > 0 {
		t.Fatal("the app is told of a session that lives")
	}
	submit(b, "/account/logout")
	app.status = http.StatusServiceUnavailable
	var waits []time.Duration
	for attempt := 1; attempt <= 4; attempt++ {
		s.ok(back.Deliver(t.Context()))
		s.ok(back.Deliver(t.Context())) // the delivery is not due yet
		d := theDelivery(t, s)
		if d.Attempts != attempt || len(app.tokens) != attempt || !strings.Contains(d.Fault, "answers 503") || !d.EndedAt.IsZero() {
			t.Fatalf("after attempt %d, of %d: %+v", attempt, len(app.tokens), d)
		}
		waits = append(waits, d.DueAt.Sub(store.At(s.clock())))
		s.wait(waits[len(waits)-1])
	}
	if want := []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second}; !slices.Equal(waits, want) {
		t.Errorf("it waits %v, want %v", waits, want)
	}
	app.status = http.StatusNoContent
	s.ok(back.Deliver(t.Context()))
	if d := theDelivery(t, s); !d.Delivered || d.Fault != "" {
		t.Errorf("it is %+v", d)
	}
	s.wait(time.Hour)
	s.ok(back.Deliver(t.Context()))
	ids := map[any]bool{}
	for _, token := range app.tokens {
		claims := decoded(t, token)
		for name, want := range map[string]any{"iss": issuer, "aud": "web-app", "sub": idToken["sub"], "sid": idToken["sid"], "nonce": nil} {
			if claims[name] != want {
				t.Errorf("%s is %v, want %v", name, claims[name], want)
			}
		}
		if ids[claims["jti"]] || claims["iat"] == nil || claims["exp"] == nil || claims["events"].(map[string]any)["http://schemas.openid.net/event/backchannel-logout"] == nil {
			t.Errorf("the claims are %v", claims)
		}
		ids[claims["jti"]] = true
	}
	if len(ids) != 5 || back.Count(oidc.DeliveryDelivered) != 1 || back.Count(oidc.DeliveryFailed) != 4 || back.Count(oidc.DeliveryGivenUp) != 0 {
		t.Errorf("%d tokens", len(ids))
	}
}

// The number and the time of attempts are limited, and the audit records when the server gives up.
func TestLogoutTokensAreGivenUp(t *testing.T) {
	for name, test := range map[string]struct {
		change   func(s *site, c *store.Client)
		wait     time.Duration // between attempts
		attempts int
		fault    string
	}{
		"after many attempts":    {func(*site, *store.Client) {}, 15 * time.Minute, 15, "answers 400"},
		"after a day":            {func(*site, *store.Client) {}, 13 * time.Hour, 3, "answers 400"},
		"without a URI":          {func(_ *site, c *store.Client) { c.BackchannelLogoutURI = "" }, 0, 1, "no back-channel logout URI"},
		"for a disabled client":  {func(_ *site, c *store.Client) { c.Disabled = true }, 0, 1, "no back-channel logout URI"},
		"for an address inside":  {func(_ *site, c *store.Client) { c.BackchannelLogoutURI = "https://169.254.169.254/latest" }, 15 * time.Minute, 15, "not a public one"},
		"for what is not public": {func(_ *site, c *store.Client) { c.BackchannelLogoutURI = "http://app.example.com/" }, 15 * time.Minute, 15, "not https"},
	} {
		t.Run(name, func(t *testing.T) {
			s, b, v := people(t)
			back, app := backchannel(t, s)
			app.status = http.StatusBadRequest
			exchangeAt(t, b, v)
			submit(b, "/account/logout")
			c, err := s.db.Client(t.Context(), "web-app")
			s.ok(err)
			test.change(s, &c)
			s.ok(s.db.UpdateClient(t.Context(), c, storetest.By()))
			for range 20 {
				s.ok(back.Deliver(t.Context()))
				s.wait(test.wait)
			}
			d := theDelivery(t, s)
			if d.EndedAt.IsZero() || d.Delivered || d.Attempts != test.attempts || !strings.Contains(d.Fault, test.fault) {
				t.Errorf("it is %+v", d)
			}
			events, err := s.db.ListEvents(t.Context(), store.EventFilter{Type: string(store.LogoutUndelivered), Limit: 10})
			s.ok(err)
			if len(events) != 1 || events[0].ClientID != "web-app" || events[0].UserID != aliceID {
				t.Errorf("the audit says %+v", events)
			}
		})
	}
}

// expire ends the expired sessions, as servers do each minute.
func (s *site) expire() int {
	s.Helper()
	s.ok(s.SignIn.Sessions.Seen.Flush(s.Context()))
	ended, err := s.Revoker.ExpiredSessions(s.Context(), storetest.By().Actor, store.At(s.clock()), 100)
	s.ok(err)
	return ended
}

// Back-Channel Logout 1.0 §2, OpenID Connect Core §11: an expired session ends everything that came
// from it, except offline access, and its apps are notified. Until then, an app that refreshes
// keeps the session alive.
func TestExpiredSessionEnds(t *testing.T) {
	s, b, v := people(t)
	back, app := backchannel(t, s)
	c, err := s.db.Client(t.Context(), "web-app")
	s.ok(err)
	c.RefreshIdle = refreshMost // longer than the idle limit of a session
	s.ok(s.db.UpdateClient(t.Context(), c, storetest.By()))
	tokens := exchangeAt(t, b, v)
	offline := exchangeAt(t, b, v, "scope", "openid read offline_access")["refresh_token"].(string)
	sid, token := decoded(t, tokens["id_token"].(string))["sid"], tokens["refresh_token"].(string)
	refreshed := func(token string) string {
		t.Helper()
		a := refresh(v, token)
		if a.status != http.StatusOK {
			t.Fatalf("the refresh token is not good: %d %s", a.status, a.body)
		}
		return a.text(t, "refresh_token")
	}
	for range 3 {
		s.wait(sessionIdle - time.Minute)
		token = refreshed(token)
		if ended := s.expire(); ended != 0 {
			t.Fatalf("%d sessions ended that are in use", ended)
		}
	}
	b.Open(authorization("second", "prompt", "none")).Sent(t, "https://second.example.com/cb?code=")
	s.expire()
	s.wait(sessionIdle - time.Minute)
	offline = refreshed(offline) // does not count as a use of the session
	s.wait(time.Minute + time.Second)
	token = refreshed(token) // the session has expired, but no server has ended it yet
	if got := b.Open(authorization("second", "prompt", "none")).Sent(t, "https://second.example.com/").Get("error"); got != "login_required" {
		t.Errorf("a refresh brings back a session that is over: %q", got)
	}
	s.ok(back.Deliver(t.Context()))
	if ended := s.expire(); ended != 1 || len(app.tokens) > 0 {
		t.Fatalf("%d sessions ended, and %d tokens were sent before", ended, len(app.tokens))
	}
	v.refused(refresh(v, token), http.StatusBadRequest, "invalid_grant")
	refreshed(offline)
	s.ok(back.Deliver(t.Context()))
	if len(app.tokens) != 1 || decoded(t, app.tokens[0])["sid"] != sid {
		t.Errorf("the app is told %q", app.tokens)
	}
	if s.expire() != 0 {
		t.Error("it ends twice")
	}
	told, err := s.db.ListEvents(t.Context(), store.EventFilter{Type: string(store.SessionEnded), Limit: 10})
	if err != nil || len(told) != 1 || told[0].Details.Reason != "session_expired" || told[0].UserID != aliceID {
		t.Errorf("the audit has %+v, %v", told, err)
	}
}

// If a person removes an app on /account, the server notifies that app about each session of the
// person, and no other app.
func TestRemovedAppIsTold(t *testing.T) {
	s, b, v := people(t)
	back, app := backchannel(t, s)
	tokens := exchangeAt(t, b, v)
	b.Open(authorization("second")).Sent(t, "https://second.example.com/cb?code=")
	submit(b, "/account/app", "app", "second") // an app without a logout URI
	s.ok(back.Deliver(t.Context()))
	if len(app.tokens) != 0 {
		t.Fatalf("the app is told that another one was removed: %q", app.tokens)
	}
	submit(b, "/account/app", "app", "web-app")
	v.refused(refresh(v, tokens["refresh_token"].(string)), http.StatusBadRequest, "invalid_grant")
	s.ok(back.Deliver(t.Context()))
	if len(app.tokens) != 1 || decoded(t, app.tokens[0])["sid"] != decoded(t, tokens["id_token"].(string))["sid"] {
		t.Errorf("the app is told %q", app.tokens)
	}
	if !isIn(b) {
		t.Error("the session of the person ended")
	}
}
