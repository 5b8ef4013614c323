package handlers

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"authserver/internal/store"
	"authserver/internal/store/storetest"
)

// A person changes the password: every other browser and every app is signed out, and this browser
// stays signed in with a new secret.
func TestPersonChangesThePassword(t *testing.T) {
	s, _, v := people(t)
	laptop, _ := signedIn(t, s, v, safari)
	phone, _ := signedIn(t, s, v, safari)
	login := v.token("web", secret, "grant_type", "password", "username", "alice", "password", password).json(t)
	s.wait(time.Second)
	const next = "curiouser and curiouser"
	p := submit(laptop, "/account/password", "current", password, "new", next, "again", next)
	if !strings.Contains(p.Body, "Your password was changed") || !strings.Contains(p.Body, `role="status"`) || !strings.Contains(p.Body, "Signed in as") {
		t.Fatalf("answered %d %s", p.Status, p.Body)
	}
	if p := phone.Open("/account"); strings.Contains(p.Body, "Signed in as") {
		t.Error("another browser stays signed in")
	}
	if a := v.post(TokenPath, "web", secret, "grant_type", "refresh_token", "refresh_token", login["refresh_token"].(string)); a.status != http.StatusBadRequest {
		t.Errorf("a refresh token of before: %d %s", a.status, a.body)
	}
	s.wait(time.Second)
	if a := v.post(TokenPath, "web", secret, "grant_type", "password", "username", "alice", "password", password); a.status != http.StatusBadRequest {
		t.Errorf("the password of before: %d", a.status)
	}
	v.token("web", secret, "grant_type", "password", "username", "alice", "password", next)
	told, err := s.db.ListEvents(t.Context(), store.EventFilter{Type: string(store.UserUpdated), Limit: 10})
	if err != nil || len(told) != 1 || told[0].Actor.Type != store.ActorUser || told[0].Details.Reason != "password_changed" || told[0].RequestID == "" {
		t.Errorf("the audit has %+v, %v", told, err)
	}
}

func TestPasswordIsNotChanged(t *testing.T) {
	for _, test := range []struct{ name, current, next, again, says string }{
		{"with a wrong password", "a guess", "curiouser and curiouser", "curiouser and curiouser", "The current password is not correct."},
		{"with two that differ", password, "curiouser and curiouser", "curiouser and furiouser", "The two new passwords are not the same."},
		{"to a short one", password, "xkq7 vf", "xkq7 vf", "The new password is too short. Minimum number of characters: <bdi>8</bdi>."},
		{"to a common one", password, "Wonderland", "Wonderland", "The new password is among the most common ones"},
		{"to one that is too long", password, strings.Repeat("x", 1025), strings.Repeat("x", 1025), "The new password is too long."},
		{"to one with a tab", password, "curiouser\tand", "curiouser\tand", "such as a tab"},
		{"without any", "", "", "", "The current password is not correct."},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _, v := people(t)
			b, _ := signedIn(t, s, v, safari)
			p := submit(b, "/account/password", "current", test.current, "new", test.next, "again", test.again)
			if !strings.Contains(p.Body, test.says) || !strings.Contains(p.Body, `role="alert"`) {
				t.Errorf("answered %d %s", p.Status, p.Body)
			}
			v.token("web", secret, "grant_type", "password", "username", "alice", "password", password)
		})
	}
}

type hashing func(ctx context.Context, password string) ([]byte, error)

func (h hashing) Hash(ctx context.Context, password string) ([]byte, error) { return h(ctx, password) }

// The hash of a new password takes its time, in which an operator may change the user too.
func TestUserIsChangedDuringAPasswordChange(t *testing.T) {
	const next = "curiouser and curiouser"
	for _, test := range []struct {
		name, says, password string // the password after it
		change               func(s *site, u *store.User)
	}{
		{"in another respect", "Your password was changed", next, func(_ *site, u *store.User) { u.Profile.Nickname = "Al" }},
		{"to another password", "You are signed out", password, func(s *site, u *store.User) { s.Revoker.User(u, "test") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _, v := people(t)
			b, _ := signedIn(t, s, v, safari)
			s.wait(time.Second)
			s.Public.Account.NewPassword.Hasher = hashing(func(ctx context.Context, password string) ([]byte, error) {
				u, err := s.db.UserByName(ctx, store.ByUsername, "alice")
				s.ok(err)
				test.change(s, &u)
				s.ok(s.db.UpdateUser(ctx, u, storetest.Changing(store.UserUpdated)))
				return s.hash(ctx, password)
			})
			p := submit(b, "/account/password", "current", password, "new", next, "again", next)
			if p.Status != http.StatusOK || !strings.Contains(p.Body, test.says) {
				t.Errorf("answered %d %s", p.Status, p.Body)
			}
			v.token("web", secret, "grant_type", "password", "username", "alice", "password", test.password)
		})
	}
}

// NIST SP 800-63B-4 §3.2.2: guesses of the password in a browser that was left open have to wait.
func TestGuessesAtTheAccountWait(t *testing.T) {
	s, _, v := people(t)
	b, _ := signedIn(t, s, v, safari)
	for range 20 {
		submit(b, "/account/password", "current", "a guess", "new", "curiouser and curiouser", "again", "curiouser and curiouser")
	}
	p := submit(b, "/account/password", "current", password, "new", "curiouser and curiouser", "again", "curiouser and curiouser")
	if !strings.Contains(p.Body, "There were too many attempts. Please wait a moment") {
		t.Errorf("answered %s", p.Body)
	}
}
