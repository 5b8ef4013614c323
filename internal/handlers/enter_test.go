package handlers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"authserver/internal/admission"
	"authserver/internal/oauth"
	"authserver/test/openapitest"
)

// If there is no free place for a kind of request, the server refuses it, with the time to retry,
// and still accepts other kinds. A refused request verifies nothing and uses nothing up.
func TestFullKindIsRefused(t *testing.T) {
	s := newSite(t)
	v := s.visit(s.public(10*time.Second), openapitest.New(t).HostileClient(nil))
	first := v.login()
	full := &admission.Gate{Slots: 1, Queue: 0, Now: time.Now}
	s.ok(full.Enter(t.Context(), "unknown"))
	late := &admission.Gate{Slots: 1, Queue: 2, Wait: time.Millisecond, Now: time.Now}
	s.ok(late.Enter(t.Context(), "unknown"))
	roomy := &admission.Gate{Slots: 2, Queue: 1, Wait: time.Second, Now: time.Now}
	s.Clients.Gates = map[string]*admission.Gate{
		string(oauth.RefreshToken): full, string(oauth.JWTBearer): late, KindOther: full, KindRevocation: full,
		string(oauth.ClientCredentials): roomy, string(oauth.Password): roomy, KindIntrospection: roomy,
	}
	s.Door.Shed = rate.Sometimes{Interval: time.Hour}
	refresh := []string{"grant_type", "refresh_token", "refresh_token", first.text(t, "refresh_token")}
	for _, refused := range []struct {
		name string
		answer
	}{
		{"a full kind", v.post(TokenPath, "web", secret, refresh...)},
		{"a full kind, whatever the proof is", v.post(TokenPath, "web", "wrong", refresh...)},
		{"a full kind, whichever client", v.post(TokenPath, "unknown", secret, refresh...)},
		{"a turn that does not come", v.post(TokenPath, "", "", "grant_type", string(oauth.JWTBearer), "assertion", vouch(t, "1"))},
		{"an unknown grant", v.post(TokenPath, "web", secret, "grant_type", "junk")},
		{"a full endpoint", v.post(RevokePath, "web", secret, "token", first.text(t, "access_token"))},
	} {
		t.Run(refused.name, func(t *testing.T) {
			v.refused(refused.answer, http.StatusServiceUnavailable, oauth.Unavailable)
			if refused.header.Get("Retry-After") == "" {
				t.Errorf("no Retry-After: %v", refused.header)
			}
		})
	}
	if n := strings.Count(s.log.String(), `"reason":"overloaded"`); n != 1 {
		t.Errorf("%d lines of the log speak of overload, want one an hour", n)
	}
	v.token("web", secret, "grant_type", "client_credentials")
	v.login()
	if a := v.post(IntrospectPath, "web", secret, "token", first.text(t, "access_token")); a.json(t)["active"] != true {
		t.Errorf("introspection answers %d %s", a.status, a.body)
	}
	for _, path := range []string{JWKSPath, MetadataPath, "/healthz", "/readyz"} {
		if a := v.do(http.MethodGet, path, "", nil); a.status != http.StatusOK {
			t.Errorf("%s answers %d %s", path, a.status, a.body)
		}
	}
	full.Leave("unknown")
	v.token("web", secret, refresh...)
	if roomy.InFlight() != 0 || full.InFlight() != 0 {
		t.Errorf("%d and %d in flight at the end", roomy.InFlight(), full.InFlight())
	}
}

// The share belongs to the client that a request names, by any method.
func TestShareIsOfTheClient(t *testing.T) {
	s := newSite(t)
	v := s.visit(s.public(10*time.Second), openapitest.New(t).HostileClient(nil))
	gate := &admission.Gate{Slots: 4, Queue: 1, Wait: time.Millisecond, Spare: true, Now: time.Now}
	s.Clients.Gates = map[string]*admission.Gate{KindOther: gate}
	for range 2 {
		s.ok(gate.Enter(t.Context(), "web 127.0.0.1"))
	}
	ask := []string{"grant_type", "client_credentials"}
	v.refused(v.post(TokenPath, "web", secret, ask...), http.StatusServiceUnavailable, oauth.Unavailable)
	v.refused(v.post(TokenPath, "", "", append(ask, "client_id", "web", "client_secret", secret)...), http.StatusServiceUnavailable, oauth.Unavailable)
	v.refused(v.post(TokenPath, "unknown", secret, ask...), http.StatusUnauthorized, oauth.InvalidClient) // the gate let it in
	v.refused(v.post(TokenPath, "", "", ask...), http.StatusUnauthorized, oauth.InvalidClient)
	if gate.InFlight() != 2 {
		t.Errorf("%d in flight at the end", gate.InFlight())
	}
}
