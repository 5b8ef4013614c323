package storetest

import (
	"context"
	"testing"
	"time"

	"authserver/internal/store"
)

func redemptionTests() []test {
	tests := []test{
		{"a code is redeemed for generation 1, which is rotated from there", with(redeemed)},
		{"a family comes back with what its sign-in left, and its code alone before it is redeemed", with(redeemedRoundTrip)},
		{"a code that is presented again ends the family and voids its access tokens", with(redeemedTwice)},
		{"a redemption that is put back gives the code back, with what it is held to", with(redeemedPutBack)},
		{"what is good once is used up by a redemption, and by no refusal", with(redeemedUses)},
		{"a code that names neither redirect URI nor challenge is held to neither", with(redeemedFree)},
		{"a refresh token ahead of a code that was never redeemed is rotated, and the code is void", with(redeemedAhead)},
		{"of a hundred redemptions at once exactly one gets tokens, and what it got is void", redeemRace},
		{"any redemption comes to what the function in Go says", redemptionDecided},
	}
	for _, c := range refusedRedemptions() {
		tests = append(tests, test{"refused: " + c.name, with(c.run)})
	}
	return tests
}

const aJKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

// aCode returns a family whose code was not redeemed yet, with every condition that a code can
// have.
func aCode(number byte) store.Family {
	f := aFamily(number)
	f.Generation, f.IdleExpiresAt = 0, at(time.Minute)
	f.Code = store.Code{RedirectURI: "https://app.example.com/cb?a=b", Challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", JKT: aJKT}
	f.Login = store.Login{
		AuthTime: at(0), ACR: "urn:acr:1", AMR: []string{"pwd", "otp"}, Nonce: `n"0`, IDTokenClaims: []string{"name", "email"}, UserinfoClaims: []string{"address"},
	}
	return f
}

// withCode adds "web", "alice" and a code of theirs.
func withCode(t *testing.T, ctx context.Context, s store.Store) store.Family {
	t.Helper()
	withFamily(t, ctx, s)
	f := aCode(2)
	ok(t, s.CreateFamily(ctx, f))
	return f
}

// redeem returns a redemption of a code that meets its conditions.
func redeem(f store.Family, after time.Duration) store.Redemption {
	r := store.Redemption{Exchange: exchange(f, after, "code_replayed"), RedirectURI: f.Code.RedirectURI, Challenge: f.Code.Challenge}
	if f.Code.JKT != "" {
		r.Proved = []string{anotherThumbprint, store.BoundToJKT + f.Code.JKT}
	}
	return r
}

func mustRedeem(t *testing.T, ctx context.Context, s store.Store, r store.Redemption, want store.Outcome) store.RotationResult {
	t.Helper()
	got := must[store.RotationResult](t)(s.Redeem(ctx, r))
	same(t, got.Outcome, want)
	return got
}

func redeemed(t *testing.T, ctx context.Context, s store.Store) {
	f := withCode(t, ctx, s)
	r := redeem(f, 30*time.Second)
	r.Binds, r.Clock = aThumbprint, by(3)
	before := s.RoundTrips()
	got := must[store.RotationResult](t)(s.Redeem(ctx, r))
	same(t, s.RoundTrips()-before, 1)

	f.Generation, f.RotatedAt, f.IdleExpiresAt, f.BoundTo, f.Code = 1, at(30*time.Second), at(30*time.Second+time.Hour), aThumbprint, store.Code{}
	f.RotatedBy = 3
	u := aUser("alice")
	u.PasswordHash = nil
	same(t, got, store.RotationResult{Outcome: store.Redeemed, Family: f, User: u})
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), f)
	same(t, len(recorded(t, ctx, s)), 0)

	next := present(f, 1, time.Minute)
	next.Proved = []string{aThumbprint}
	f = mustRotate(t, ctx, s, next, store.Rotated).Family
	same(t, f.Login, aCode(2).Login)
	same(t, f.Code, store.Code{})
}

func redeemedRoundTrip(t *testing.T, ctx context.Context, s store.Store) {
	f := withCode(t, ctx, s)
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), f)
	of := aSession(1)
	ok(t, s.CreateSession(ctx, of, By()))
	signedIn := aCode(3)
	signedIn.SessionID, signedIn.Offline, signedIn.Code = of.ID, true, store.Code{Challenge: "x"}
	signedIn.Login = store.Login{AuthTime: at(time.Second)}
	ok(t, s.CreateFamily(ctx, signedIn))
	same(t, must[store.Family](t)(s.Family(ctx, signedIn.ID)), signedIn)
	same(t, must[[]store.Family](t)(s.ListFamilies(ctx, store.FamilyPage{SessionID: of.ID, Limit: 10})), []store.Family{signedIn})
}

func redeemedTwice(t *testing.T, ctx context.Context, s store.Store) {
	f := withCode(t, ctx, s)
	moved := mustRedeem(t, ctx, s, redeem(f, 0), store.Redeemed)
	again := redeem(f, 3*time.Hour) // however late, and with any other faults
	again.RedirectURI, again.Challenge, again.Proved, again.Candidates = "", "", nil, nil
	got := must[store.RotationResult](t)(s.Redeem(ctx, again))

	moved.Family.RevokedAt, moved.Family.RevokedReason = again.Now, "code_replayed"
	same(t, got, store.RotationResult{Outcome: store.CodeReplayed, Family: moved.Family, User: moved.User})
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), moved.Family)
	same(t, recorded(t, ctx, s), []store.Revocation{kept(again.Voids)})
	told := theEvents(t, ctx, s, store.AuthorizationCodeReplayed)
	same(t, len(told), 1)
	same(t, told[0].Details.Reason, "code_replayed")
	same(t, told[0].Details.Name, "name-of-alice")

	mustRedeem(t, ctx, s, again, store.Revoked)
	mustRotate(t, ctx, s, present(f, 1, time.Minute), store.Revoked)
	same(t, len(recorded(t, ctx, s)), 1)
}

// theEvents returns the events of one type.
func theEvents(t *testing.T, ctx context.Context, s store.Store, kind store.EventType) []store.Event {
	t.Helper()
	return must[[]store.Event](t)(s.ListEvents(ctx, store.EventFilter{Type: string(kind), Limit: 100}))
}

func redeemedPutBack(t *testing.T, ctx context.Context, s store.Store) {
	f := withCode(t, ctx, s)
	r := redeem(f, 30*time.Second)
	r.Clock, r.Binds = by(1), aThumbprint
	r.Uses = []store.Use{{Issuer: "web", ID: [32]byte{1}, ExpiresAt: at(time.Hour)}}
	mustRedeem(t, ctx, s, r, store.Redeemed)
	ok(t, s.PutBack(ctx, r.Rotation(), store.Redeemed))
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), f)
	other := redeem(f, 31*time.Second)
	other.Challenge = ""
	mustRedeem(t, ctx, s, other, store.WrongVerifier)

	mustRedeem(t, ctx, s, r, store.Redeemed)
	ok(t, s.PutBack(ctx, r.Rotation(), store.Unknown))
	moved := mustRedeem(t, ctx, s, r, store.Redeemed).Family
	next := present(moved, 1, time.Minute)
	next.Clock, next.Proved = by(2), []string{aThumbprint}
	mustRotate(t, ctx, s, next, store.Rotated)
	ok(t, s.PutBack(ctx, r.Rotation(), store.Unknown)) // what was used since stays
	ok(t, s.PutBack(ctx, next, store.Rotated))
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), moved)
	mustRedeem(t, ctx, s, redeem(f, 40*time.Second), store.CodeReplayed)
}

func redeemedUses(t *testing.T, ctx context.Context, s store.Store) {
	f := withCode(t, ctx, s)
	r := redeem(f, 0)
	r.Uses = []store.Use{{Issuer: "dpop", ID: [32]byte{1}, ExpiresAt: at(time.Hour)}, {Issuer: "web", ID: [32]byte{2}, ExpiresAt: at(time.Hour)}}
	used := func(want bool) {
		t.Helper()
		for _, u := range r.Uses {
			same(t, must[bool](t)(s.AssertionUsed(ctx, u.Issuer, u.ID)), want)
		}
	}
	wrong := r
	wrong.Challenge = "no such challenge"
	mustRedeem(t, ctx, s, wrong, store.WrongVerifier)
	used(false)
	ok(t, s.UseOnce(ctx, r.Uses[1]))
	same(t, mustRedeem(t, ctx, s, r, store.UsedBefore).Replay, 1)
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), f)
	same(t, must[bool](t)(s.AssertionUsed(ctx, "dpop", r.Uses[0].ID)), false)
	r.Uses[1].ID[0]++
	mustRedeem(t, ctx, s, r, store.Redeemed)
	used(true)
	mustRedeem(t, ctx, s, r, store.CodeReplayed)
}

func redeemedFree(t *testing.T, ctx context.Context, s store.Store) {
	withFamily(t, ctx, s)
	f := aCode(2)
	f.Code = store.Code{}
	ok(t, s.CreateFamily(ctx, f))
	r := redeem(f, 0)
	r.Challenge = "downgraded"
	mustRedeem(t, ctx, s, r, store.WrongVerifier)
	r.Challenge, r.RedirectURI, r.Proved = "", "https://app.example.com/named", []string{aThumbprint}
	mustRedeem(t, ctx, s, r, store.Redeemed)
}

func redeemedAhead(t *testing.T, ctx context.Context, s store.Store) {
	f := withCode(t, ctx, s)
	r := present(f, 1, 30*time.Second)
	r.Clock = by(1)
	same(t, mustRotate(t, ctx, s, r, store.Rotated).Family.Generation, 2)
	ok(t, s.PutBack(ctx, r, store.Rotated))
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), f) // the conditions of the code too
	mustRotate(t, ctx, s, r, store.Rotated)
	mustRedeem(t, ctx, s, redeem(f, 30*time.Second), store.CodeReplayed)
}

func redeemRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	f := withCode(t, ctx, one)
	results := concurrently(100, func(i int) store.Outcome {
		got, err := handles[i%2].Redeem(ctx, redeem(f, time.Second))
		if err != nil {
			t.Error(err)
		}
		return got.Outcome
	})
	same(t, count(results), map[store.Outcome]int{store.Redeemed: 1, store.CodeReplayed: 1, store.Revoked: 98})
	same(t, len(recorded(t, ctx, one)), 1)
	mustRotate(t, ctx, one, present(f, 1, time.Second), store.Revoked)
}
