package storetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"authserver/internal/store"
)

type refusedRedemption struct {
	name string
	want store.Outcome
	set  func(t *testing.T, ctx context.Context, s store.Store)
	ask  func(*store.Redemption)
}

// run requires that the family does not change, and that the answer has it.
func (c refusedRedemption) run(t *testing.T, ctx context.Context, s store.Store) {
	f := withCode(t, ctx, s)
	if c.set != nil {
		c.set(t, ctx, s)
	}
	r := redeem(f, time.Second)
	r.Uses = []store.Use{{Issuer: "web", ID: [32]byte{9}, ExpiresAt: at(time.Hour)}}
	if c.ask != nil {
		c.ask(&r)
	}
	before := must[store.Family](t)(s.Family(ctx, f.ID))
	void := recorded(t, ctx, s)
	used := must[bool](t)(s.AssertionUsed(ctx, "web", r.Uses[0].ID))
	want := store.RotationResult{Outcome: c.want}
	if c.want != store.Unknown {
		want.Family, want.User = before, must[store.User](t)(s.User(ctx, before.UserID))
		want.User.PasswordHash = nil
	}
	for range 2 { // and a second time
		same(t, must[store.RotationResult](t)(s.Redeem(ctx, r)), want)
	}
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), before)
	same(t, recorded(t, ctx, s), void)
	same(t, must[bool](t)(s.AssertionUsed(ctx, "web", r.Uses[0].ID)), used)
	told := 0
	if strings.HasPrefix(c.want.String(), "wrong_") {
		told = 1
	}
	same(t, len(theEvents(t, ctx, s, store.EventType("code."+c.want.String()))), told)
}

func refusedRedemptions() []refusedRedemption {
	type ask = func(*store.Redemption)
	everythingWrong := func(r *store.Redemption) {
		r.RedirectURI, r.Challenge, r.Proved, r.Resources, r.Candidates = "https://evil.example/", "wrong", nil, []string{"urn:x"}, nil
	}
	late := func(r *store.Redemption) { r.Now = at(time.Minute) }
	both := func(asks ...ask) ask {
		return func(r *store.Redemption) {
			for _, a := range asks {
				a(r)
			}
		}
	}
	revoke := func(t *testing.T, ctx context.Context, s store.Store) {
		ok(t, s.RevokeFamily(ctx, aCode(2).ID, Voiding(voidsFamily(aCode(2).ID, 0, "revoked"))))
	}
	used := func(t *testing.T, ctx context.Context, s store.Store) {
		ok(t, s.UseOnce(ctx, store.Use{Issuer: "web", ID: [32]byte{9}, ExpiresAt: at(time.Hour)}))
	}
	return []refusedRedemption{
		{"no such family", store.Unknown, nil, func(r *store.Redemption) { r.ID[0]++ }},
		{"another client, before all else", store.WrongClient, revoke, both(everythingWrong, late, func(r *store.Redemption) { r.ClientID = "Web" })},
		{"revoked", store.Revoked, revoke, both(everythingWrong, late)},
		{"user disabled", store.Revoked, redeemedAfter(func(u *store.User) { u.Disabled = true }), nil},
		{"a password changed since", store.Revoked, redeemedAfter(func(u *store.User) { u.NotBefore = at(time.Microsecond) }), nil},
		{"begun under an earlier NotBefore of the client", store.Revoked, nil, func(r *store.Redemption) { r.ClientNotBefore = at(time.Microsecond) }},
		{"expired", store.Expired, nil, both(everythingWrong, late)},
		{"another redirect URI", store.WrongRedirectURI, nil, everythingWrong},
		{"another case in the redirect URI", store.WrongRedirectURI, nil, func(r *store.Redemption) { r.RedirectURI = "https://app.example.com/CB?a=b" }},
		{"no redirect URI", store.WrongRedirectURI, nil, func(r *store.Redemption) { r.RedirectURI = "" }},
		{"another verifier", store.WrongVerifier, nil, func(r *store.Redemption) { r.Challenge, r.Proved = "wrong", nil }},
		{"no verifier", store.WrongVerifier, nil, func(r *store.Redemption) { r.Challenge = "" }},
		{"no proof of the key", store.WrongKey, used, func(r *store.Redemption) { r.Proved = nil }},
		{"a certificate of the key instead of a proof", store.WrongKey, nil, func(r *store.Redemption) { r.Proved = []string{store.BoundToX5T + aJKT} }},
		{"an assertion that was used before", store.UsedBefore, used, func(r *store.Redemption) { r.Resources, r.Candidates = []string{"urn:x"}, nil }},
		{"another resource than granted", store.ResourceExceeded, nil, func(r *store.Redemption) { r.Resources, r.Candidates = []string{"urn:x"}, nil }},
		{"no resource left to ask for", store.Unissuable, nil, func(r *store.Redemption) { r.Candidates = nil }},
		{"resources that cannot share a token", store.Unissuable, nil, func(r *store.Redemption) { r.Candidates[0].Kind = 7 }},
		{"a resource that no token can be made for", store.Unissuable, nil, func(r *store.Redemption) { r.Candidates[1].Kind, r.Candidates[0].Kind = -1, -1 }},
	}
}

// redeemedAfter changes the user of a code before the redemption.
func redeemedAfter(change func(*store.User)) func(t *testing.T, ctx context.Context, s store.Store) {
	return func(t *testing.T, ctx context.Context, s store.Store) {
		u := must[store.User](t)(s.User(ctx, "alice"))
		change(&u)
		ok(t, s.UpdateUser(ctx, u, By()))
	}
}
