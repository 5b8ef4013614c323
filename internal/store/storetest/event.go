package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

func eventTests() []test {
	return []test{
		{"each change of a noun is an event, with what it changed", with(eventOfChanges)},
		{"an event tells no secret and no hash", with(eventWithoutSecrets)},
		{"an event is bounded, however much changes", with(eventBounded)},
		{"a change that is refused is no event", with(eventOfRefusals)},
		{"a change without an actor, a type or a time is refused", with(eventUnnamed)},
		{"a reuse is one event, however often it comes", with(eventOfReuse)},
		{"a refresh token of another client or key is one event for each", with(eventOfStolen)},
		{"the end of a family is one event", with(eventOfFamily)},
		{"each key of a changed plan is an event", with(eventOfKeyPlan)},
		{"what happens once is recorded once, by however many at once", eventOnce},
		{"events are found by what they are about, in the order of their ids", with(eventList)},
		{"events of one moment are in the order in which they were recorded", with(eventOrder)},
		{"old events are swept, in small batches", with(eventSweep)},
	}
}

// eventsOf returns the events of a type, without their IDs.
func eventsOf(t *testing.T, ctx context.Context, s store.Store, what store.EventType) []store.Event {
	t.Helper()
	list := must[[]store.Event](t)(s.ListEvents(ctx, store.EventFilter{Type: string(what), Limit: store.MaxPage}))
	for i := range list {
		if len(list[i].ID) != 36 || list[i].ID[14] != '7' {
			t.Errorf("an event has the ID %q", list[i].ID)
		}
		list[i].ID = ""
	}
	return list
}

// as returns By with another type.
func as(what store.EventType) store.Change {
	by := By()
	by.Event, by.RequestID = what, "request-1"
	return by
}

func changed(before, after string) store.FieldChange {
	return store.FieldChange{Before: json.RawMessage(before), After: json.RawMessage(after)}
}

// compact compares JSON without its white space, which differs between engines.
func compact() cmp.Option {
	return cmp.Transformer("compact", func(m json.RawMessage) any {
		var v any
		if err := json.Unmarshal(m, &v); err != nil {
			return string(m)
		}
		return v
	})
}

func sameEvents(t *testing.T, got []store.Event, want ...store.Event) {
	t.Helper()
	if diff := cmp.Diff(want, got, compact()); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
}

func eventOfChanges(t *testing.T, ctx context.Context, s store.Store) {
	of := func(what store.EventType) store.Event {
		return store.Event{At: By().At, Type: what, Actor: By().Actor, RequestID: "request-1"}
	}
	c := aClient("web")
	ok(t, s.CreateClient(ctx, c, as("c.made")))
	c.Scopes, c.RefreshIdle, c.DPoPBound = oauth.Scope{"read"}, 2*time.Hour, true
	ok(t, s.UpdateClient(ctx, c, as("c.updated").Voiding(voidsClient("web", time.Minute))))
	want := of("c.updated")
	want.ClientID, want.Details.Reason = "web", "client_deleted"
	want.Details.Changes = map[string]store.FieldChange{
		"scopes": changed("null", `["read"]`), "refresh_idle": changed(`"1h0m0s"`, `"2h0m0s"`), "dpop_bound": changed("false", "true"),
	}
	sameEvents(t, eventsOf(t, ctx, s, "c.updated"), want)

	u := aUser("alice")
	ok(t, s.CreateUser(ctx, u, as("u.made")))
	u.Email, u.PasswordHash, u.Disabled = "alice@example.com", []byte("another"), true
	ok(t, s.UpdateUser(ctx, u, as("u.updated")))
	want = of("u.updated")
	want.UserID, want.Details.Name = "alice", u.Username
	want.Details.Changes = map[string]store.FieldChange{
		"email": changed("null", `"alice@example.com"`), "disabled": changed("false", "true"),
		"password": {Before: []byte("null"), After: []byte("null"), Hidden: true},
	}
	sameEvents(t, eventsOf(t, ctx, s, "u.updated"), want)

	r := aResource("https://api.example.com")
	ok(t, s.CreateResource(ctx, r, as("r.made")))
	r.AccessTokenTTL = time.Minute
	ok(t, s.UpdateResource(ctx, r, as("r.updated")))
	want = of("r.updated")
	want.Details = store.EventDetails{ID: r.ID, Name: "API", Changes: map[string]store.FieldChange{"access_token_ttl": changed(`"15m0s"`, `"1m0s"`)}}
	sameEvents(t, eventsOf(t, ctx, s, "r.updated"), want)

	i := anIssuer("https://idp.example.com")
	ok(t, s.CreateIssuer(ctx, i, as("i.made")))
	i.Disabled = !i.Disabled
	ok(t, s.UpdateIssuer(ctx, i, as("i.updated")))
	if changes := eventsOf(t, ctx, s, "i.updated")[0].Details.Changes; string(changes["disabled"].Before) == string(changes["disabled"].After) || len(changes) != 1 || string(changes["disabled"].After) == "null" {
		t.Errorf("an update of an issuer says %v", changes)
	}
	ok(t, s.DeleteIssuer(ctx, i.ID, as("i.deleted")))
	ok(t, s.DeleteResource(ctx, r.ID, as("r.deleted")))
	ok(t, s.DeleteUser(ctx, "alice", as("u.deleted").Voiding(voidsUser("alice", 0))))
	ok(t, s.DeleteClient(ctx, "web", as("c.deleted").Voiding(voidsClient("web", 0))))
	for _, what := range []store.EventType{"c", "u", "r", "i"} {
		list := eventsOf(t, ctx, s, what)
		if len(list) != 3 || len(list[0].Details.Changes) == 0 || len(list[2].Details.Changes) == 0 {
			t.Errorf("%d events of %s: %v", len(list), what, list)
		}
	}
}

func eventWithoutSecrets(t *testing.T, ctx context.Context, s store.Store) {
	c := aClient("web")
	c.AuthMethods = []oauth.AuthMethod{oauth.AuthBasic}
	c.Secrets = []store.ClientSecret{{ID: "one", Kind: store.SecretSHA256, Hash: []byte("sensitive"), CreatedAt: at(0)}}
	ok(t, s.CreateClient(ctx, c, By()))
	c.Secrets = append(c.Secrets, store.ClientSecret{ID: "two", Kind: store.SecretSealed, Hash: []byte("sensitive"), CreatedAt: at(0)})
	ok(t, s.UpdateClient(ctx, c, By()))
	u := aUser("alice")
	u.PasswordHash = []byte("sensitive")
	ok(t, s.CreateUser(ctx, u, By()))
	i := anIssuer("idp")
	i.JWKS, i.SealedSecret = nil, []byte("sensitive")
	ok(t, s.CreateIssuer(ctx, i, By()))
	i.SealedSecret = []byte("sensitive too")
	ok(t, s.UpdateIssuer(ctx, i, By()))
	ok(t, s.CreateSecretKey(ctx, store.SecretKey{Purpose: "refresh", ID: 1, Sealed: []byte("sensitive"), CreatedAt: at(0), ActiveAt: at(0)}, By()))
	ok(t, s.CreateDataKeys(ctx, []store.DataKey{{ID: 1, MasterID: "m", Sealed: []byte("sensitive"), CreatedAt: at(0)}}, By()))
	list := must[[]store.Event](t)(s.ListEvents(ctx, store.EventFilter{Limit: 100}))
	text := string(must[[]byte](t)(json.Marshal(list)))
	for _, secret := range []string{"sensitive", "c2Vuc2l0aXZl", "hash"} { // as plain text, and in base64
		if strings.Contains(text, secret) {
			t.Errorf("the events say %q:\n%s", secret, text)
		}
	}
	for _, shown := range []string{`"two"`, "shared_secret"} {
		if !strings.Contains(text, shown) {
			t.Errorf("the events do not say %s:\n%s", shown, text)
		}
	}
}

func eventOfRefusals(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.CreateClient(ctx, aClient("web"), By()))
	ok(t, s.CreateUser(ctx, aUser("alice"), By()))
	ok(t, s.CreateResource(ctx, aResource("r"), By()))
	ok(t, s.CreateIssuer(ctx, anIssuer("i"), By()))
	before := len(eventsOf(t, ctx, s, ""))
	old, oldUser, oldResource, oldIssuer := aClient("web"), aUser("alice"), aResource("r"), anIssuer("i")
	old.Version, oldUser.Version, oldResource.Version, oldIssuer.Version = 9, 9, 9, 9
	for name, change := range map[string]struct{ got, want error }{
		"a client that is there":          {s.CreateClient(ctx, aClient("web"), By()), store.ErrExists},
		"a user who is there":             {s.CreateUser(ctx, aUser("alice"), By()), store.ErrExists},
		"an old version of a client":      {s.UpdateClient(ctx, old, By()), store.ErrConflict},
		"an old version of a user":        {s.UpdateUser(ctx, oldUser, By()), store.ErrConflict},
		"an old version of a resource":    {s.UpdateResource(ctx, oldResource, By()), store.ErrConflict},
		"an old version of an issuer":     {s.UpdateIssuer(ctx, oldIssuer, By()), store.ErrConflict},
		"a client that is not there":      {s.DeleteClient(ctx, "x", Voiding(voidsClient("x", 0))), store.ErrNotFound},
		"a user who is not there":         {s.DeleteUser(ctx, "x", Voiding(voidsUser("x", 0))), store.ErrNotFound},
		"a resource that is not there":    {s.DeleteResource(ctx, "x", By()), store.ErrNotFound},
		"an issuer that is not there":     {s.DeleteIssuer(ctx, "x", By()), store.ErrNotFound},
		"an update of no client":          {s.UpdateClient(ctx, aClient("x"), By()), store.ErrNotFound},
		"a plan by an old version":        {s.ChangeKeyPlan(ctx, store.KeyPlanChange{Version: 99}, By()), store.ErrConflict},
		"a secret key that is not there":  {s.RescheduleSecretKey(ctx, store.SecretKey{Purpose: "x", ID: 1}, By()), store.ErrNotFound},
		"a sealed value of a missing key": {s.ReplaceSealed(ctx, store.SealedValue{Table: "signing_keys", ID: "x"}, nil, By()), store.ErrNotFound},
		"no family":                       {s.RevokeFamily(ctx, store.FamilyID{9}, Voiding(voidsFamily(store.FamilyID{9}, 0, "x"))), nil},
	} {
		if !errors.Is(change.got, change.want) {
			t.Errorf("%s: error %v, want %v", name, change.got, change.want)
		}
	}
	same(t, len(eventsOf(t, ctx, s, "")), before)
}

func eventUnnamed(t *testing.T, ctx context.Context, s store.Store) {
	for name, spoil := range map[string]func(*store.Change){
		"actor": func(c *store.Change) { c.Actor = store.Actor{} },
		"id":    func(c *store.Change) { c.Actor.ID = "" },
		"type":  func(c *store.Change) { c.Event = "" },
		"time":  func(c *store.Change) { c.At = store.Moment{} },
	} {
		by := By()
		spoil(&by)
		for _, err := range []error{
			s.CreateClient(ctx, aClient("web"), by), s.CreateUser(ctx, aUser("alice"), by), s.CreateResource(ctx, aResource("r"), by),
			s.CreateIssuer(ctx, anIssuer("i"), by), s.RevokeFamily(ctx, store.FamilyID{1}, by),
			s.ChangeKeyPlan(ctx, store.KeyPlanChange{Version: 1}, by), s.CreateDataKeys(ctx, nil, by), s.DeleteDataKeys(ctx, nil, by),
		} {
			if err == nil {
				t.Errorf("a change without its %s was made", name)
			}
		}
	}
	same(t, len(recorded(t, ctx, s)), 0)
}

func eventOfReuse(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	must[store.RotationResult](t)(s.Rotate(ctx, present(f, 1, time.Second)))
	must[store.RotationResult](t)(s.Rotate(ctx, present(f, 2, 2*time.Second)))
	stolen := present(f, 1, time.Minute)
	stolen.RequestID = "request-2"
	for range 3 {
		must[store.RotationResult](t)(s.Rotate(ctx, stolen))
	}
	sameEvents(t, eventsOf(t, ctx, s, "refresh_token"), store.Event{
		At: at(time.Minute), Type: store.RefreshTokenReused, Actor: store.Actor{Type: store.ActorClient, ID: "web"},
		ClientID: "web", UserID: "alice", Family: f.ID.String(), RequestID: "request-2",
		Details: store.EventDetails{Name: aUser("alice").Username, Reason: "refresh_reused", Presented: 1, Generation: 3},
	})
}

func eventOfStolen(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	bound := aFamily(2)
	bound.BoundTo = "jkt:one"
	ok(t, s.CreateFamily(ctx, bound))
	for n := range 4 {
		other := present(f, 1, time.Duration(n+1)*time.Second)
		other.ClientID = []string{"thief", "fence"}[n%2]
		same(t, must[store.RotationResult](t)(s.Rotate(ctx, other)).Outcome, store.WrongClient)
		keyless := present(bound, 1, time.Duration(n+1)*time.Second)
		keyless.Proved = []string{fmt.Sprintf("jkt:%d", n)}
		same(t, must[store.RotationResult](t)(s.Rotate(ctx, keyless)).Outcome, store.WrongKey)
	}
	by := func(what store.EventType, client string, id store.FamilyID, after time.Duration) store.Event {
		return store.Event{
			At: at(after), Type: what, Actor: store.Actor{Type: store.ActorClient, ID: client}, ClientID: "web", UserID: "alice",
			Family: id.String(), Details: store.EventDetails{Name: aUser("alice").Username, Presented: 1, Generation: 1},
		}
	}
	sameEvents(t, eventsOf(t, ctx, s, store.RefreshTokenWrongClient),
		by(store.RefreshTokenWrongClient, "thief", f.ID, time.Second), by(store.RefreshTokenWrongClient, "fence", f.ID, 2*time.Second))
	sameEvents(t, eventsOf(t, ctx, s, store.RefreshTokenWrongKey), by(store.RefreshTokenWrongKey, "web", bound.ID, time.Second))
}

func eventOfFamily(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	for range 2 {
		ok(t, s.RevokeFamily(ctx, f.ID, as(store.FamilyRevoked).Voiding(voidsFamily(f.ID, time.Minute, "leaked"))))
	}
	sameEvents(t, eventsOf(t, ctx, s, store.FamilyRevoked), store.Event{
		At: By().At, Type: store.FamilyRevoked, Actor: By().Actor, ClientID: "web", UserID: "alice", Family: f.ID.String(),
		RequestID: "request-1", Details: store.EventDetails{Reason: "leaked"},
	})
	before := eventsOf(t, ctx, s, "")
	ok(t, s.Revoke(ctx, aVoid("jti", time.Hour))) // makes none
	sameEvents(t, eventsOf(t, ctx, s, ""), before...)
}

func eventOfKeyPlan(t *testing.T, ctx context.Context, s store.Store) {
	plan := must[store.KeyPlan](t)(s.KeyPlan(ctx, at(0)))
	first, second := aKey("first", "ES256", "", 0), aKey("second", "ES256", "first", time.Hour)
	ok(t, s.ChangeKeyPlan(ctx, store.KeyPlanChange{Version: plan.Version, Add: []store.SigningKey{first, second}, Brought: "second"}, By()))
	plan = must[store.KeyPlan](t)(s.KeyPlan(ctx, at(0)))
	first.RetiredAt, first.RemovedAt = at(time.Hour), at(2*time.Hour)
	second.RevokedAt, second.Reason = at(time.Minute), "it leaked"
	ok(t, s.ChangeKeyPlan(ctx, store.KeyPlanChange{Version: plan.Version, Update: []store.SigningKey{first, second}}, By()))
	var told []string
	for _, e := range must[[]store.Event](t)(s.ListEvents(ctx, store.EventFilter{Type: "key", Limit: 10})) {
		told = append(told, string(e.Type)+" "+e.Details.ID+" "+e.Details.Reason)
	}
	want := map[string]bool{"key.published first ": true, "key.imported second ": true, "key.rescheduled first ": true, "key.revoked second it leaked": true}
	for _, one := range told {
		if !want[one] {
			t.Errorf("the audit says %q", one)
		}
	}
	same(t, len(told), len(want))
}
