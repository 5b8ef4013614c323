package handlers

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

func (s *site) events() map[store.EventType][]store.Event {
	s.Helper()
	list, err := s.db.ListEvents(s.Context(), store.EventFilter{Limit: store.MaxPage})
	s.ok(err)
	found := map[store.EventType][]store.Event{}
	for _, e := range list {
		found[e.Type] = append(found[e.Type], e)
	}
	return found
}

// An attempt with a stolen token is recorded once however often it is repeated, and an invented
// token never.
func TestTheAuditOfRequests(t *testing.T) {
	s := newSite(t)
	v := s.open()
	first := v.login()
	v.token("web", secret, "grant_type", "refresh_token", "refresh_token", first.text(t, "refresh_token"))
	assertion := vouch(t, rand.Text())
	for range 4 {
		v.post(TokenPath, "web", secret, "grant_type", string(oauth.JWTBearer), "assertion", assertion)
	}
	before := len(s.events())
	for n := range 4 { // of an invented token
		v.post(TokenPath, "web", secret, "grant_type", "refresh_token", "refresh_token", fmt.Sprintf("art_forged-%d", n))
		v.post(TokenPath, "web", secret, "grant_type", string(oauth.JWTBearer), "assertion", assertion+"x")
		v.post(TokenPath, "web", "a wrong secret of the client", "grant_type", "client_credentials")
		v.post(RevokePath, "web", secret, "token", fmt.Sprintf("art_forged-%d", n))
	}
	if after := len(s.events()); after != before {
		t.Errorf("%d types of events, and %d after what a stranger sent", before, after)
	}
	s.wait(time.Minute)
	for range 4 {
		v.post(TokenPath, "web", secret, "grant_type", "refresh_token", "refresh_token", first.text(t, "refresh_token"))
	}
	logout := v.login()
	for range 2 {
		v.post(RevokePath, "web", secret, "token", logout.text(t, "refresh_token"))
	}
	found := s.events()
	v.post(RevokePath, "web", secret, "token", v.login().text(t, "access_token"))
	if diff := cmp.Diff(found, s.events()); diff != "" {
		t.Errorf("a client that revokes its access token is recorded:\n%s", diff)
	}
	for what, by := range map[store.EventType]string{
		store.AssertionReplayed: "web", store.RefreshTokenReused: "web", store.FamilyRevoked: "web",
	} {
		list := found[what]
		if len(list) != 1 {
			t.Errorf("%s: %d events", what, len(list))
			continue
		}
		e := list[0]
		if e.Actor != (store.Actor{Type: store.ActorClient, ID: by}) || e.RequestID == "" || e.At.IsZero() {
			t.Errorf("%s: %+v", what, e)
		}
	}
	if reused := found[store.RefreshTokenReused]; len(reused) == 1 && (reused[0].UserID == "" || reused[0].Family == "" || reused[0].Details.Name != "alice") {
		t.Errorf("a reuse says %+v", reused[0])
	}
}
