package handlers

import (
	"strings"
	"testing"
	"time"

	"authserver/internal/store"
)

// A person changes the names that apps show. This signs no one out, and it is in the audit.
func TestPersonChangesTheProfile(t *testing.T) {
	s, _, v := people(t)
	b, token := signedIn(t, s, v, safari)
	s.wait(time.Second)
	p := submit(b, "/account/profile", "name", "Alice Liddell", "given_name", "Alice", "family_name", "Liddell", "nickname", "<b>", "email", "evil@example.com", "email_verified", "true", "roles", "admin")
	for _, says := range []string{"Your profile was saved.", `name="name" type="text" value="Alice Liddell"`, `value="&lt;b&gt;"`} {
		if !strings.Contains(p.Body, says) {
			t.Errorf("the page does not say %s: %s", says, p.Body)
		}
	}
	claims := exchangeAt(t, b, v, "scope", "openid profile")
	got := v.do("GET", UserinfoPath, "", map[string]string{"Authorization": "Bearer " + claims["access_token"].(string)}).json(t)
	if got["name"] != "Alice Liddell" || got["nickname"] != "<b>" || got["family_name"] != "Liddell" || got["updated_at"] != float64(s.clock().Unix()) {
		t.Errorf("userinfo says %v", got)
	}
	user, err := s.db.UserByName(t.Context(), store.ByUsername, "alice")
	if err != nil || user.Email != "" || user.Profile.EmailVerified || len(user.Roles) != 1 {
		t.Errorf("the form changed what is not the person's: %+v, %v", user, err)
	}
	if a := refresh(v, token); a.status != 200 {
		t.Errorf("the person was signed out: %s", a.body)
	}
	v.login() // the password has not changed
	told, err := s.db.ListEvents(t.Context(), store.EventFilter{Type: string(store.UserUpdated), Limit: 10})
	if err != nil || len(told) != 1 || told[0].Actor.Type != store.ActorUser || told[0].UserID != aliceID {
		t.Errorf("the audit has %+v, %v", told, err)
	}
	// An empty field removes the value.
	submit(b, "/account/profile", "name", "Alice")
	if user, err = s.db.User(t.Context(), aliceID); err != nil || user.Profile.Name != "Alice" || user.Profile.Nickname != "" {
		t.Errorf("the profile is %+v, %v", user.Profile, err)
	}
}

func TestProfileIsNotChanged(t *testing.T) {
	s, stranger, v := people(t)
	b, _ := signedIn(t, s, v, safari)
	for name, value := range map[string]string{"a line break": "a\nb", "too long a name": strings.Repeat("x", store.MaxLine+1), "a control character": "a\x07"} {
		if p := submit(b, "/account/profile", "name", value); !strings.Contains(p.Body, "The profile was not saved") || !strings.Contains(p.Body, `role="alert"`) {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
	}
	if p := submit(stranger, "/account/profile", "name", "Mallory"); !strings.Contains(p.Body, "You are signed out") {
		t.Errorf("without a session: %s", p.Body)
	}
	b.Header["Sec-Fetch-Site"] = "cross-site"
	if p := submit(b, "/account/profile", "name", "Mallory"); p.Status != 403 { // RFC 6819 §4.4.1.8
		t.Errorf("another site sent it: %d", p.Status)
	}
	if user, err := s.db.User(t.Context(), aliceID); err != nil || user.Profile.Name != "" {
		t.Errorf("the profile is %+v, %v", user.Profile, err)
	}
}
