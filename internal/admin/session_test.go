package admin_test

import (
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"authserver/internal/admin"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// signedIn adds a session of a user, and a family that began in it.
func (o *office) signedIn(number byte, userID, clientID string) (session, family string) {
	o.t.Helper()
	now := store.At(o.now())
	change := store.Change{Actor: by.Actor, Event: store.SessionCreated, At: now}
	u, err := o.store.User(o.t.Context(), userID)
	o.must(err)
	c, err := o.store.Client(o.t.Context(), clientID)
	o.must(err)
	s := store.Session{
		ID: store.SessionID{number}, Secret: [32]byte{number}, UserID: userID, UserNotBefore: u.NotBefore, Methods: []store.SessionMethod{{Method: "pwd", At: now}},
		Device: "Firefox", Address: "192.0.2.1", CreatedAt: now, SeenAt: now, IdleExpiresAt: now.Add(time.Hour), ExpiresAt: now.Add(24 * time.Hour),
	}
	o.must(o.store.CreateSession(o.t.Context(), s, change))
	f := store.Family{
		ID: store.FamilyID{number}, ClientID: clientID, UserID: userID, Resources: []string{self}, Generation: 1, SessionID: s.ID, CreatedAt: now,
		ClientNotBefore: c.NotBefore, UserNotBefore: u.NotBefore, IdleExpiresAt: now.Add(time.Hour), ExpiresAt: now.Add(time.Hour),
	}
	o.must(o.store.CreateFamily(o.t.Context(), f))
	return s.ID.String(), f.ID.String()
}

func TestSessionsAreShownAndEnded(t *testing.T) {
	o := newOffice(t)
	alice, bob := o.user("alice"), o.user("bob")
	c := o.client(admin.NewClient{ID: "web", ClientInput: signIn(nil)})
	first, family := o.signedIn(1, alice.ID, c.ClientID)
	second, _ := o.signedIn(2, alice.ID, c.ClientID)
	third, _ := o.signedIn(3, bob.ID, c.ClientID)

	list := func(user string, want ...string) []admin.Session {
		t.Helper()
		found, err := o.Sessions.List(t.Context(), by, admin.SessionQuery{User: user, Page: admin.Page{Limit: 10}})
		o.must(err)
		if len(found) != len(want) {
			t.Fatalf("%d sessions, want %d", len(found), len(want))
		}
		for i, s := range found {
			if s.ID != want[i] {
				t.Errorf("session %d is %s, want %s", i, s.ID, want[i])
			}
		}
		return found
	}
	list("", first, second, third)
	if one := list("alice", first, second)[0]; one.State != admin.SessionActive || one.Username != "alice" || one.Methods[0].Method != "pwd" || one.EndedAt != nil {
		t.Errorf("the session is %+v", one)
	}

	o.must(o.Sessions.Revoke(t.Context(), by, first))
	ended, err := o.Sessions.Get(t.Context(), by, first)
	o.must(err)
	if ended.State != admin.SessionEnded || ended.Reason != "revoked_by_operator" || ended.EndedAt == nil {
		t.Errorf("the session is %+v", ended)
	}
	of, err := o.Families.Get(t.Context(), by, family)
	o.must(err)
	if of.State != admin.FamilyRevoked || of.Session != first {
		t.Errorf("the family is %+v", of)
	}
	n, err := o.Sessions.RevokeAll(t.Context(), by, "alice")
	o.must(err)
	if n != 1 {
		t.Errorf("%d sessions ended, want the one that lived", n)
	}
	_, err = o.Users.Update(t.Context(), by, "bob", admin.UserInput{Password: ptr("another password")})
	o.must(err)
	if void, err := o.Sessions.Get(t.Context(), by, third); err != nil || void.State != admin.SessionEnded || void.Reason != store.EndedWithUser {
		t.Errorf("after another password the session is %+v, %v", void, err)
	}
	fourth, _ := o.signedIn(4, alice.ID, "web")
	over := store.Change{Actor: by.Actor, Event: store.SessionEnded, At: store.At(o.now())}.Voiding(store.Void{Before: store.At(o.now().Add(time.Minute)), Reason: store.EndedByExpiry})
	if _, err := o.store.EndExpiredSessions(t.Context(), store.At(o.now().Add(1000*time.Hour)), 10, over); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string][2]string{third: {admin.SessionEnded, store.EndedWithUser}, fourth: {admin.SessionExpired, store.EndedByExpiry}, first: {admin.SessionEnded, "revoked_by_operator"}} {
		if got, err := o.Sessions.Get(t.Context(), by, id); err != nil || [2]string{got.State, got.Reason} != want || got.EndedAt == nil {
			t.Errorf("session %s is %+v, want %v", id, got, want)
		}
	}
	if n, err := o.Sessions.RevokeAll(t.Context(), by, "bob"); err != nil || n != 0 {
		t.Errorf("%d sessions ended, want none, because it has ended with the password: %v", n, err)
	}
	for _, id := range []string{"", "xyz", hex.EncodeToString(make([]byte, 16)), hex.EncodeToString(make([]byte, 32))} {
		if _, err := o.Sessions.Get(t.Context(), by, id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("session %q: %v", id, err)
		}
		if err := o.Sessions.Revoke(t.Context(), by, id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("session %q is revoked: %v", id, err)
		}
	}
	_, err = o.Sessions.List(t.Context(), by, admin.SessionQuery{Page: admin.Page{Limit: 10, After: "xyz"}})
	wantFault(t, err, "after", admin.CodeInvalid, "32 hexadecimal digits")
}

func TestConsentsAreShownAndTakenBack(t *testing.T) {
	o := newOffice(t)
	alice := o.user("alice")
	o.client(admin.NewClient{ID: "web", ClientInput: signIn(func(in *admin.ClientInput) { in.Name = ptr("The web") })})
	_, family := o.signedIn(1, alice.ID, "web")
	o.must(o.store.SetConsent(t.Context(), store.Consent{
		UserID: alice.ID, ClientID: "web", Scopes: map[string]oauth.Scope{api: {"read"}, "": {"openid"}}, GrantedAt: store.At(o.now()),
	}, store.Change{Actor: by.Actor, Event: store.ConsentGranted, At: store.At(o.now())}))
	found, err := o.Consents.List(t.Context(), by, admin.ConsentQuery{User: "alice", Page: admin.Page{Limit: 10}})
	o.must(err)
	if len(found) != 1 || found[0].Client != "The web" || len(found[0].Scopes) != 2 || found[0].Scopes[0].Resource != "" || found[0].Scopes[1].Scopes[0] != "read" {
		t.Fatalf("the consents are %+v", found)
	}
	o.must(o.Consents.Revoke(t.Context(), by, "alice", "web"))
	of, err := o.Families.Get(t.Context(), by, family)
	o.must(err)
	if of.State != admin.FamilyRevoked || of.Revocation != "revoked_by_operator" {
		t.Errorf("the family is %+v", of)
	}
	if err := o.Consents.Revoke(t.Context(), by, "alice", "web"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a consent is taken back twice: %v", err)
	}
}
