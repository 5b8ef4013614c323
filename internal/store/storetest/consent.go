package storetest

import (
	"context"
	"testing"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

func consentTests() []test {
	return []test{
		{"a consent comes back as it was given, and a later one replaces it", with(consentRoundTrip)},
		{"a consent of no user, and one for no client, are not found", with(consentMissing)},
		{"a consent that is revoked takes every family of the user at the client along", with(consentRevoked)},
		{"a client that was made anew has no consents of the one before, which are swept", with(consentClientless)},
		{"a user takes the consents along, and one that ended by itself is swept", with(consentOver)},
		{"consents are listed a page at a time", with(consentList)},
	}
}

func aConsent(clientID string) store.Consent {
	return store.Consent{
		UserID: "alice", ClientID: clientID, GrantedAt: at(time.Minute),
		Scopes: map[string]oauth.Scope{"": {"openid", "profile"}, "https://api.example.com/?a='b'": {"read"}},
	}
}

// withConsent adds "web", "alice", a family of theirs and a consent.
func withConsent(t *testing.T, ctx context.Context, s store.Store) store.Consent {
	t.Helper()
	withFamily(t, ctx, s)
	c := aConsent("web")
	ok(t, s.SetConsent(ctx, c, Changing(store.ConsentGranted)))
	return c
}

func consentRoundTrip(t *testing.T, ctx context.Context, s store.Store) {
	c := withConsent(t, ctx, s)
	same(t, must[store.Consent](t)(s.Consent(ctx, "alice", "web")), c)
	c.Scopes, c.GrantedAt, c.Until = nil, at(time.Hour), at(2*time.Hour)
	ok(t, s.SetConsent(ctx, c, Changing(store.ConsentGranted)))
	same(t, must[store.Consent](t)(s.Consent(ctx, "alice", "web")), c)
	told := theEvents(t, ctx, s, store.ConsentGranted)
	same(t, len(told), 2)
	same(t, []string{told[0].UserID, told[0].ClientID}, []string{"alice", "web"})
	if err := s.SetConsent(ctx, c, store.Change{}); err == nil {
		t.Error("a consent was given without an actor")
	}
}

func consentMissing(t *testing.T, ctx context.Context, s store.Store) {
	withConsent(t, ctx, s)
	for _, of := range [][2]string{{"alice", "Web"}, {"bob", "web"}, {"alice", ""}} {
		_, err := s.Consent(ctx, of[0], of[1])
		wantErr(t, err, store.ErrNotFound)
		c := aConsent(of[1])
		c.UserID = of[0]
		wantErr(t, s.SetConsent(ctx, c, By()), store.ErrNotFound)
		wantErr(t, s.RevokeConsent(ctx, of[0], of[1], ending(store.ConsentRevoked, 0, "consent_revoked")), store.ErrNotFound)
	}
	same(t, len(theEvents(t, ctx, s, store.ConsentRevoked)), 0)
}

func consentRevoked(t *testing.T, ctx context.Context, s store.Store) {
	withConsent(t, ctx, s)
	of := aSession(1)
	ok(t, s.CreateSession(ctx, of, By()))
	token, code, offline := begun(t, ctx, s, of)
	elsewhere := aFamily(13)
	elsewhere.ClientID = "other"
	ok(t, s.CreateFamily(ctx, elsewhere))
	ok(t, s.RevokeConsent(ctx, "alice", "web", ending(store.ConsentRevoked, 30*time.Second, "consent_revoked")))
	_, err := s.Consent(ctx, "alice", "web")
	wantErr(t, err, store.ErrNotFound)
	for _, f := range []store.Family{aFamily(1), token, code, offline} {
		same(t, must[store.Family](t)(s.Family(ctx, f.ID)).RevokedReason, "consent_revoked")
	}
	same(t, must[store.Family](t)(s.Family(ctx, elsewhere.ID)).RevokedAt, store.Moment{})
	same(t, len(recorded(t, ctx, s)), 4)
	same(t, must[store.Session](t)(s.Session(ctx, of.ID)).EndedAt, store.Moment{})
	same(t, len(theEvents(t, ctx, s, store.ConsentRevoked)), 1)

	// A client that needs no consent also has families.
	late := aFamily(14)
	ok(t, s.CreateFamily(ctx, late))
	ok(t, s.RevokeConsent(ctx, "alice", "web", ending(store.ConsentRevoked, time.Minute, "consent_revoked")))
	same(t, must[store.Family](t)(s.Family(ctx, late.ID)).RevokedAt, at(time.Minute))
}

func consentClientless(t *testing.T, ctx context.Context, s store.Store) {
	withConsent(t, ctx, s)
	ok(t, s.DeleteClient(ctx, "web", Voiding(voidsClient("web", time.Minute))))
	_, err := s.Consent(ctx, "alice", "web")
	wantErr(t, err, store.ErrNotFound)
	wantErr(t, s.SetConsent(ctx, aConsent("web"), By()), store.ErrNotFound)
	anew := aClient("web")
	anew.CreatedAt = at(time.Hour)
	ok(t, s.CreateClient(ctx, anew, By()))
	_, err = s.Consent(ctx, "alice", "web")
	wantErr(t, err, store.ErrNotFound)
	same(t, must[[]store.Consent](t)(s.ListConsents(ctx, store.ConsentPage{UserID: "alice", Limit: 10})), nil)
	gone := 0
	for range 3 {
		gone += must[int](t)(s.Sweep(ctx, at(0), 1))
	}
	same(t, gone, 2) // the family and the consent
	ok(t, s.SetConsent(ctx, aConsent("web"), By()))
	same(t, must[int](t)(s.Sweep(ctx, at(0), 1)), 0)
	same(t, must[store.Consent](t)(s.Consent(ctx, "alice", "web")), aConsent("web"))
}

func consentOver(t *testing.T, ctx context.Context, s store.Store) {
	c := withConsent(t, ctx, s)
	c.Until = at(time.Minute)
	ok(t, s.SetConsent(ctx, c, By()))
	ok(t, s.CreateClient(ctx, aClient("other"), By()))
	ok(t, s.SetConsent(ctx, aConsent("other"), By()))
	same(t, must[int](t)(s.Sweep(ctx, at(time.Minute), 10)), 0)
	same(t, must[int](t)(s.Sweep(ctx, at(time.Minute+time.Microsecond), 10)), 1)
	same(t, must[[]store.Consent](t)(s.ListConsents(ctx, store.ConsentPage{UserID: "alice", Limit: 10})), []store.Consent{aConsent("other")})
	ok(t, s.DeleteUser(ctx, "alice", Voiding(voidsUser("alice", 0))))
	same(t, must[[]store.Consent](t)(s.ListConsents(ctx, store.ConsentPage{UserID: "alice", Limit: 10})), nil)
}

func consentList(t *testing.T, ctx context.Context, s store.Store) {
	withConsent(t, ctx, s)
	for _, id := range []string{"Web", "a", "web2"} {
		ok(t, s.CreateClient(ctx, aClient(id), By()))
		ok(t, s.SetConsent(ctx, aConsent(id), By()))
	}
	page := store.ConsentPage{UserID: "alice", Limit: 2}
	same(t, must[[]store.Consent](t)(s.ListConsents(ctx, page)), []store.Consent{aConsent("Web"), aConsent("a")})
	page.After = "a"
	same(t, must[[]store.Consent](t)(s.ListConsents(ctx, page)), []store.Consent{aConsent("web"), aConsent("web2")})
	page.Limit = 0
	if _, err := s.ListConsents(ctx, page); err == nil {
		t.Error("a listing without a limit was taken")
	}
}
