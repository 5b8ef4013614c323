package grants_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/tokens"
)

// rotate presents a refresh token.
func (w *world) rotate(client, token string, parameters ...string) (grants.Answer, error) {
	w.Helper()
	return w.refresh.Exchange(w.Context(), w.ask(w.client(client), append([]string{"refresh_token", token}, parameters...)...))
}

func (w *world) mustRotate(token string, parameters ...string) grants.Answer {
	w.Helper()
	answer, err := w.rotate("web", token, parameters...)
	w.ok(err)
	return answer
}

func TestRefreshRotates(t *testing.T) {
	w := newWorld(t)
	first := w.login()
	w.wait(time.Minute)
	u := w.alice()
	u.Roles = []string{"reader"}
	w.ok(w.db.UpdateUser(t.Context(), u, storetest.By()))
	second := w.mustRotate(first.RefreshToken)
	if second.Outcome != "rotated" || second.RefreshToken == first.RefreshToken || second.RefreshToken == "" {
		t.Errorf("outcome %q, and the refresh token is the same: %v", second.Outcome, second.RefreshToken == first.RefreshToken)
	}
	before, after := w.verifyAccess(first.AccessToken), w.verifyAccess(second.AccessToken)
	if before.Parsed.Family != after.Parsed.Family || before.ID == after.ID {
		t.Error("the access tokens are not two of one family")
	}
	for name, want := range map[string]any{"sub": u.ID, "aud": api, "scope": "read write", "client_id": "web", "roles": []any{"reader"}} {
		if diff := cmp.Diff(want, after.All[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	w.wait(time.Minute)
	w.mustRotate(second.RefreshToken)
}

// A lost answer never logs a user out: the retry gets the same successor.
func TestRefreshRetry(t *testing.T) {
	w := newWorld(t)
	first := w.login()
	w.wait(time.Minute)
	second := w.mustRotate(first.RefreshToken)
	for _, later := range []time.Duration{0, grace / 2, grace / 2} {
		w.wait(later)
		again := w.mustRotate(first.RefreshToken)
		if again.Outcome != "graced" || again.RefreshToken != second.RefreshToken {
			t.Errorf("outcome %q, and another successor: %v", again.Outcome, again.RefreshToken != second.RefreshToken)
		}
		w.verifyAccess(again.AccessToken)
	}
	w.mustRotate(second.RefreshToken)
}

// FAPI 2.0 Security Profile §5.3.2.1: refresh tokens are not rotated.
func TestRefreshOfAClientOfTheProfileRotatesNothing(t *testing.T) {
	w := newWorld(t)
	first := w.login()
	client := w.client("web")
	client.Profile = store.ProfileFAPI2
	for _, later := range []time.Duration{time.Minute, 4 * grace, 29 * time.Minute, 29 * time.Minute} {
		w.wait(later)
		again := w.exchange(w.refresh, w.ask(client, "refresh_token", first.RefreshToken))
		if again.Outcome != "kept" || again.RefreshToken != first.RefreshToken {
			t.Errorf("outcome %q, and another refresh token: %v", again.Outcome, again.RefreshToken != first.RefreshToken)
		}
		w.verifyAccess(again.AccessToken)
	}
}

// RFC 9700 §4.14.2: if a token is used again, one of the two callers has stolen it.
func TestRefreshReuse(t *testing.T) {
	w := newWorld(t)
	first := w.login()
	second := w.mustRotate(first.RefreshToken)
	w.wait(grace + time.Microsecond)
	if w.revoked(w.verifyAccess(second.AccessToken)) {
		t.Fatal("revoked before anything happened")
	}
	_, err := w.rotate("web", first.RefreshToken)
	refused(t, err, oauth.InvalidGrant, "refresh_reused")
	for _, answer := range []grants.Answer{first, second} {
		if !w.revoked(w.verifyAccess(answer.AccessToken)) {
			t.Error("an access token of the family is good still")
		}
	}
	_, err = w.rotate("web", second.RefreshToken)
	refused(t, err, oauth.InvalidGrant, "refresh_revoked")
	_, err = w.rotate("web", first.RefreshToken)
	refused(t, err, oauth.InvalidGrant, "refresh_revoked")
}

// A retry at a replica whose clock is ahead is a retry, and no theft. The login does not end early
// there either.
func TestRefreshAtAReplicaWithAnotherClock(t *testing.T) {
	w := newWorld(t)
	other := *w.refresh
	other.Clock.ID = ourClock + 1
	ahead := func(token string, by time.Duration) (grants.Answer, error) {
		r := w.ask(w.client("web"), "refresh_token", token)
		r.Now = r.Now.Add(by)
		return other.Exchange(w.Context(), r)
	}
	first := w.login()
	second := w.mustRotate(first.RefreshToken)
	retried, err := ahead(first.RefreshToken, 15*time.Second)
	w.ok(err)
	if retried.RefreshToken != second.RefreshToken {
		t.Error("the retry gets another successor")
	}
	w.wait(30*time.Minute - time.Second) // the idle lifetime except a second
	third, err := ahead(second.RefreshToken, 15*time.Second)
	w.ok(err)
	w.wait(grace + 2*skew)
	_, err = w.rotate("web", second.RefreshToken)
	refused(t, err, oauth.InvalidGrant, "refresh_reused")
	if !w.revoked(w.verifyAccess(third.AccessToken)) {
		t.Error("an access token of the family is good still")
	}
}

// The revocation is committed even if this process cannot read it back.
func TestRefreshReuseWhileTheViewIsBehind(t *testing.T) {
	w := newWorld(t)
	first := w.login()
	second := w.mustRotate(first.RefreshToken)
	w.wait(time.Minute)
	behind := w.revoker()
	behind.View = &tokens.View{Store: outage{}, Now: w.Now}
	w.refresh.Revoker = behind
	_, err := w.rotate("web", first.RefreshToken)
	refused(t, err, oauth.InvalidGrant, "refresh_reused")
	w.ok(w.view.Follow(t.Context()))
	if !w.revoked(w.verifyAccess(second.AccessToken)) {
		t.Error("the revocation was lost")
	}
}

// A replica whose own tokens have a shorter lifetime voids those of the others until their end.
func TestReuseVoidsTheTokensOfEveryServer(t *testing.T) {
	w := newWorld(t)
	w.ok(w.db.PromiseLifetimes(t.Context(), store.Lifetimes{
		Server: "other", RotationInterval: time.Hour, PollInterval: time.Second, MaxTokenTTL: 20 * time.Hour, KeptUntil: store.At(w.Now().Add(time.Hour)),
	}, store.At(w.Now())))
	first := w.login()
	family := w.verifyAccess(first.AccessToken).Parsed.Family
	w.mustRotate(first.RefreshToken)
	w.wait(time.Minute)
	_, err := w.rotate("web", first.RefreshToken)
	refused(t, err, oauth.InvalidGrant, "refresh_reused")
	w.wait(20*time.Hour - time.Second)
	if _, err = w.db.Sweep(t.Context(), store.At(w.Now()), 100); err != nil {
		t.Fatal(err)
	}
	anew := &tokens.View{Store: w.db, Now: w.Now}
	w.ok(anew.Follow(t.Context()))
	if revoked, err := anew.Revoked(t.Context(), tokens.Claims{Parsed: tokens.ID{Family: family}}); err != nil || !revoked {
		t.Errorf("a token of the family is good again (%v)", err)
	}
}

// RFC 6749 §6: a refresh limits only its own access token.
func TestRefreshScope(t *testing.T) {
	w := newWorld(t)
	token := w.login("scope", "read write").RefreshToken
	narrow := w.mustRotate(token, "scope", "write")
	if narrow.Scope.String() != "write" || w.verifyAccess(narrow.AccessToken).All["scope"] != "write" {
		t.Errorf("scope is %q", narrow.Scope)
	}
	if full := w.mustRotate(narrow.RefreshToken); full.Scope.String() != "read write" {
		t.Errorf("after a narrower refresh the scope is %q", full.Scope)
	}
}

func TestRefreshResource(t *testing.T) {
	w := newWorld(t)
	both := w.login("resource", api, "resource", files)
	narrow := w.mustRotate(both.RefreshToken, "resource", files) // RFC 8707 §2.2
	if diff := cmp.Diff([]string{files}, w.verifyAccess(narrow.AccessToken).Audience); diff != "" {
		t.Errorf("aud (-want +got):\n%s", diff)
	}
	if narrow.Scope.String() != "read list" {
		t.Errorf("scope is %q, want what the resource knows of it", narrow.Scope)
	}
	full := w.mustRotate(narrow.RefreshToken)
	if diff := cmp.Diff([]string{api, files}, w.verifyAccess(full.AccessToken).Audience); diff != "" {
		t.Errorf("after a narrower refresh aud (-want +got):\n%s", diff)
	}
}

// A refusal moves nothing: the token is as good as before, however long the client takes to correct
// its request.
func TestRefreshRefusalsMoveNothing(t *testing.T) {
	withdraw := func(w *world) {
		w.change("web", func(c *store.Client) { c.Scopes, c.Resources = oauth.Scope{"read", "list"}, []string{api} })
	}
	nothing := func(*world) {}
	tests := []struct {
		name       string
		login      []string
		before     func(*world)
		parameters []string
		code       oauth.Code
		reason     string
	}{
		// RFC 6749 §6: MUST NOT include any scope not originally granted.
		{"more scope than granted, though the client may have it", []string{"scope", "read"}, nothing, []string{"scope", "read write"}, oauth.InvalidScope, "scope_exceeded"},
		{"scope that the client never may have", nil, nothing, []string{"scope", "admin"}, oauth.InvalidScope, "scope_not_allowed"},
		{"scope that was granted and that the client has lost since", nil, withdraw, []string{"scope", "write"}, oauth.InvalidScope, "scope_not_allowed"},
		{"scope that the resource asked for does not know", []string{"resource", api, "resource", files}, nothing, []string{"scope", "write", "resource", files}, oauth.InvalidScope, "scope_not_of_resource"},
		{"malformed scope", nil, nothing, []string{"scope", `a"b`}, oauth.InvalidScope, "scope_malformed"},
		// RFC 8707 §2.2.
		{"another resource than granted, though the client may ask for it", []string{"resource", api}, nothing, []string{"resource", files}, oauth.InvalidTarget, "resource_exceeded"},
		{"a resource that the client never may ask for", nil, nothing, []string{"resource", mail}, oauth.InvalidTarget, "resource_not_allowed"},
		{"a resource that was granted and that the client has lost since", []string{"resource", api, "resource", files}, withdraw, []string{"resource", files}, oauth.InvalidTarget, "resource_not_allowed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			token := w.login(test.login...).RefreshToken
			test.before(w)
			_, err := w.rotate("web", token, test.parameters...)
			refused(t, err, test.code, test.reason)
			w.wait(5 * time.Minute) // long after the grace
			if answer := w.mustRotate(token); answer.Outcome != "rotated" {
				t.Errorf("then the outcome is %q, want rotated", answer.Outcome)
			}
		})
	}
}

// The server leaves out of the grant what the client may no longer have.
func TestRefreshAfterTheClientLostSome(t *testing.T) {
	w := newWorld(t)
	token := w.login("resource", api, "resource", files).RefreshToken
	w.change("web", func(c *store.Client) { c.Scopes, c.Resources = oauth.Scope{"read", "list"}, []string{mail, files} })
	answer := w.mustRotate(token)
	if diff := cmp.Diff([]string{files}, w.verifyAccess(answer.AccessToken).Audience); diff != "" || answer.Scope.String() != "read list" {
		t.Errorf("scope is %q, aud (-want +got):\n%s", answer.Scope, diff)
	}
	// The client does not get what it may have since then, because that was never granted.
	w.change("web", func(c *store.Client) { c.Resources = []string{mail} })
	_, err := w.rotate("web", answer.RefreshToken)
	refused(t, err, oauth.InvalidTarget, "resources_withdrawn")
	w.change("web", func(c *store.Client) { c.Resources = nil })
	_, err = w.rotate("web", answer.RefreshToken)
	refused(t, err, oauth.InvalidTarget, "resources_withdrawn")
}

func TestRefreshRefuses(t *testing.T) {
	update := func(change func(w *world, u *store.User)) func(*world) {
		return func(w *world) {
			u := w.alice()
			change(w, &u)
			w.ok(w.db.UpdateUser(w.Context(), u, storetest.By()))
		}
	}
	told := make(map[string]bool)
	for _, test := range []struct {
		name   string
		client string
		before func(*world)
		token  func(string) string
		reason string
	}{
		{"another client (RFC 6749 section 6: bound to the client)", "other", nil, nil, "refresh_wrong_client"},
		{"a public client", "app", nil, nil, "refresh_wrong_client"},
		{"the user is disabled", "web", update(func(_ *world, u *store.User) { u.Disabled = true }), nil, "refresh_revoked"},
		{"the user was told to log in again", "web", update(func(w *world, u *store.User) { u.NotBefore = store.At(w.Now().Add(time.Microsecond)) }), nil, "refresh_revoked"},
		{"the client was made anew since", "web", func(w *world) {
			w.change("web", func(c *store.Client) { c.NotBefore = store.At(w.Now().Add(time.Microsecond)) })
		}, nil, "refresh_revoked"},
		{"the user is gone", "web", func(w *world) {
			u := w.alice()
			w.ok(w.db.DeleteUser(w.Context(), u.ID, storetest.Voiding(w.revoker().User(&u, "test"))))
		}, nil, "refresh_unknown"},
		{"not refreshed for too long", "web", func(w *world) { w.wait(30 * time.Minute) }, nil, "refresh_expired"},
		{"a token that is damaged", "web", nil, func(token string) string { return token[:len(token)-4] + "AAAA" }, "refresh_forged"},
		{"a token that was made up", "web", nil, func(string) string { return "art_x" }, "refresh_forged"},
		{"an access token", "web", nil, func(string) string { return "eyJhbGciOiJub25lIn0.e30." }, "refresh_forged"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			token := w.login().RefreshToken
			if test.before != nil {
				test.before(w)
			}
			if test.token != nil {
				token = test.token(token)
			}
			_, err := w.rotate(test.client, token)
			told[refused(t, err, oauth.InvalidGrant, test.reason)] = true
			if test.reason == "refresh_unknown" && !strings.HasSuffix(err.Error(), "does not exist: it ended long ago, or its user was deleted") {
				t.Errorf("the log says %v", err)
			}
		})
	}
	if len(told) != 1 {
		t.Errorf("the answers differ: %v", told)
	}
}

func TestRefreshWithoutAToken(t *testing.T) {
	w := newWorld(t)
	_, err := w.refresh.Exchange(t.Context(), w.ask(w.client("web")))
	refused(t, err, oauth.InvalidRequest, "refresh_token_missing")
}

// A client that found another client's token must not be able to end its family.
func TestRefreshOfAnotherClientLeavesTheFamilyAlive(t *testing.T) {
	w := newWorld(t)
	first := w.login()
	second := w.mustRotate(first.RefreshToken)
	w.wait(time.Minute)
	for _, token := range []string{first.RefreshToken, second.RefreshToken} { // one of them used before
		_, err := w.rotate("other", token)
		refused(t, err, oauth.InvalidGrant, "refresh_wrong_client")
	}
	if w.revoked(w.verifyAccess(second.AccessToken)) {
		t.Error("its access token was revoked")
	}
	w.mustRotate(second.RefreshToken)
}

// A refresh token that is bound to a key is useless to a thief without the key (RFC 9449 section
// 5), and a thief who tries it does not end the login.
func TestRefreshOfABoundFamilyAsksForTheKey(t *testing.T) {
	w := newWorld(t)
	presented, err := w.codec.Decode(w.login().RefreshToken)
	w.ok(err)
	f, err := w.db.Family(t.Context(), presented.Family)
	w.ok(err)
	f.ID[0]++
	f.BoundTo = "jkt:0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	w.ok(w.db.CreateFamily(t.Context(), f))
	token, err := w.codec.Encode(tokens.Refresh{Family: f.ID, Generation: f.Generation}, f.CreatedAt)
	w.ok(err)
	answer, err := w.rotate("web", token)
	refused(t, err, oauth.InvalidGrant, "refresh_wrong_key")
	if answer.Outcome != "wrong_key" {
		t.Errorf("the metrics count %q", answer.Outcome)
	}
	after, err := w.db.Family(t.Context(), f.ID)
	w.ok(err)
	if diff := cmp.Diff(f, after); diff != "" {
		t.Errorf("the family moved (-before +after)\n%s", diff)
	}
}

func TestRefreshLifetimes(t *testing.T) {
	w := newWorld(t)
	token := w.login().RefreshToken
	for range 8 { // up to the limit of the idle lifetime, and within four hours
		w.wait(30*time.Minute - time.Microsecond)
		token = w.mustRotate(token).RefreshToken
	}
	w.wait(8 * time.Microsecond) // now four hours in all
	_, err := w.rotate("web", token)
	refused(t, err, oauth.InvalidGrant, "refresh_expired")
}

// The server checks that a key can sign before anything moves.
func TestRefreshWithoutKeysMovesNothing(t *testing.T) {
	w := newWorld(t)
	token := w.login().RefreshToken
	w.minter.Keys = noKeys{}
	if _, err := w.rotate("web", token); !errors.Is(err, errNoKeys) {
		t.Fatalf("got %v", err)
	}
	w.minter.Keys = w.manager
	w.wait(time.Minute)
	if answer := w.mustRotate(token); answer.Outcome != "rotated" {
		t.Errorf("outcome %q", answer.Outcome)
	}
}

func TestRefreshInParallel(t *testing.T) {
	w := newWorld(t)
	token := w.login().RefreshToken
	request := w.ask(w.client("web"), "refresh_token", token)
	answers := make([]grants.Answer, 64)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() {
			answer, err := w.refresh.Exchange(t.Context(), request)
			if err != nil {
				t.Errorf("refused: %v", err)
			}
			answers[i] = answer
		})
	}
	group.Wait()
	rotated := 0
	for _, answer := range answers {
		if answer.Outcome == "rotated" {
			rotated++
		}
		if answer.RefreshToken != answers[0].RefreshToken {
			t.Error("there are two successors")
		}
	}
	if rotated != 1 {
		t.Errorf("%d rotated, want 1", rotated)
	}
	w.mustRotate(answers[0].RefreshToken)
}
