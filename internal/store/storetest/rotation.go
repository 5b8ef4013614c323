package storetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

func rotationTests() []test {
	tests := []test{
		{"a rotation moves the family and returns its user", with(rotated)},
		{"a retry within the grace gets the successor again and moves nothing", with(graced)},
		{"a reuse ends the family and voids its access tokens", with(reused)},
		{"a refresh token that is kept is good again, and its use moves the idle end alone", with(rotatedKeeping)},
		{"a generation ahead of the row goes on from where it stands", with(rotatedAhead)},
		{"a family that is bound to a key moves for that key, and one that is not for any", with(rotatedBound)},
		{"a family that is bound to no key is bound by the rotation that names one, and stays so", with(rotatedBinding)},
		{"a rotation goes on where its candidates can share a token", with(issuable)},
		{"idle time never moves the family's end", with(rotatedToTheEnd)},
		{"a deleted user's family is unknown", with(rotatedWithoutUser)},
		{"a random schedule of rotations, replays and revocations follows the model", rotationModel},
	}
	for _, c := range append(refusedRotations(), unissuable()...) {
		tests = append(tests, test{"refused: " + c.name, with(c.run)})
	}
	return tests
}

func rotated(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	r := present(f, 1, time.Minute)
	r.Scope, r.Resources = oauth.Scope{"write"}, []string{"https://b.example.com"}
	got := must[store.RotationResult](t)(s.Rotate(ctx, r))

	f.Generation, f.RotatedAt, f.IdleExpiresAt = 2, at(time.Minute), at(time.Minute+time.Hour)
	u := aUser("alice")
	u.PasswordHash = nil
	same(t, got, store.RotationResult{Outcome: store.Rotated, Family: f, User: u})
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), f)
	same(t, len(recorded(t, ctx, s)), 0)
}

func graced(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	first := must[store.RotationResult](t)(s.Rotate(ctx, present(f, 1, time.Minute)))
	want := store.RotationResult{Outcome: store.Graced, Family: first.Family, User: first.User}
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, present(f, 1, time.Minute))), want)
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, present(f, 1, time.Minute+10*time.Second))), want)
	// Another replica's clock may be behind that of the replica that rotated.
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, present(f, 1, time.Minute-time.Second))), want)
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), first.Family)
	next := must[store.RotationResult](t)(s.Rotate(ctx, present(f, 2, time.Minute+11*time.Second)))
	same(t, next.Outcome, store.Rotated)
	same(t, next.Family.Generation, 3)
}

func reused(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	moved := must[store.RotationResult](t)(s.Rotate(ctx, present(f, 1, time.Minute)))
	late := present(f, 1, time.Minute+10*time.Second+time.Microsecond)
	late.Scope = oauth.Scope{"unheard of"} // reuse comes before scope
	got := must[store.RotationResult](t)(s.Rotate(ctx, late))

	moved.Family.RevokedAt, moved.Family.RevokedReason = late.Now, late.Voids.Reason
	same(t, got, store.RotationResult{Outcome: store.Reused, Family: moved.Family, User: moved.User})
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), moved.Family)
	same(t, recorded(t, ctx, s), []store.Revocation{kept(late.Voids)})

	same(t, must[store.RotationResult](t)(s.Rotate(ctx, present(f, 2, 2*time.Minute))),
		store.RotationResult{Outcome: store.Revoked, Family: moved.Family, User: moved.User})
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, late)).Outcome, store.Revoked)
	same(t, len(recorded(t, ctx, s)), 1)
}

func rotatedKeeping(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	for _, after := range []time.Duration{time.Minute, 31 * time.Minute, 90 * time.Minute} {
		r := present(f, 1, after)
		r.Keep = true
		f.RotatedAt, f.IdleExpiresAt = at(after), at(after+time.Hour)
		same(t, mustRotate(t, ctx, s, r, store.Rotated).Family, f)
		same(t, must[store.Family](t)(s.Family(ctx, f.ID)), f)
	}
	late := present(f, 1, 90*time.Minute+time.Hour)
	late.Keep = true
	mustRotate(t, ctx, s, late, store.Expired)
	// A client that rotates from now on does so.
	same(t, mustRotate(t, ctx, s, present(f, 1, 91*time.Minute), store.Rotated).Family.Generation, 2)
	kept := present(f, 1, 93*time.Minute)
	kept.Keep = true
	mustRotate(t, ctx, s, kept, store.Reused)
}

func rotatedAhead(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	got := must[store.RotationResult](t)(s.Rotate(ctx, present(f, 7, time.Minute)))
	same(t, got.Outcome, store.Rotated)
	same(t, got.Family.Generation, 8)
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, present(f, 7, time.Minute))).Outcome, store.Graced)
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, present(f, 6, time.Minute))).Outcome, store.Reused)
}

// aThumbprint and anotherThumbprint are the keys of families.
const (
	aThumbprint       = "jkt:0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	anotherThumbprint = "x5t#S256:0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
)

func rotatedBound(t *testing.T, ctx context.Context, s store.Store) {
	free := withFamily(t, ctx, s)
	bound := aFamily(2)
	bound.BoundTo = aThumbprint
	ok(t, s.CreateFamily(ctx, bound))
	for _, f := range []store.Family{free, bound} {
		for _, want := range []store.Outcome{store.Rotated, store.Graced} {
			r := present(f, 1, time.Minute)
			r.Proved = []string{anotherThumbprint, aThumbprint} // like a request with a certificate and a DPoP proof
			got := must[store.RotationResult](t)(s.Rotate(ctx, r))
			same(t, got.Outcome, want)
			same(t, got.Family.BoundTo, f.BoundTo)
			same(t, must[store.Family](t)(s.Family(ctx, f.ID)), got.Family)
		}
	}
	// A reuse without the key does not count, and one with the key does.
	late := present(bound, 1, time.Hour-time.Minute)
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, late)).Outcome, store.WrongKey)
	late.Proved = []string{aThumbprint}
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, late)).Outcome, store.Reused)
}

func rotatedBinding(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	binding := present(f, 1, time.Minute)
	binding.Proved, binding.Binds = []string{aThumbprint}, aThumbprint
	got := must[store.RotationResult](t)(s.Rotate(ctx, binding))
	same(t, got.Outcome, store.Rotated)
	same(t, got.Family.BoundTo, aThumbprint)
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, binding)).Outcome, store.Graced)
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, present(f, 1, time.Minute))).Outcome, store.WrongKey)

	both := present(f, 2, time.Minute)
	both.Proved, both.Binds = []string{aThumbprint, anotherThumbprint}, anotherThumbprint
	got = must[store.RotationResult](t)(s.Rotate(ctx, both))
	same(t, got.Outcome, store.Rotated)
	same(t, got.Family.BoundTo, aThumbprint)
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), got.Family)
}

func rotatedToTheEnd(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	r := present(f, 1, time.Minute)
	r.Idle = 1000 * time.Hour
	got := must[store.RotationResult](t)(s.Rotate(ctx, r))
	same(t, got.Family.IdleExpiresAt, f.ExpiresAt)
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), got.Family)
	last := present(f, 2, 24*time.Hour-time.Microsecond)
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, last)).Outcome, store.Rotated)
}

func rotatedWithoutUser(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	ok(t, s.DeleteUser(ctx, "alice", Voiding(voidsUser("alice", 0))))
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, present(f, 1, 0))), store.RotationResult{})
}

type refusedRotation struct {
	name string
	want store.Outcome
	set  func(t *testing.T, ctx context.Context, s store.Store) // before the rotation
	ask  func(*store.Rotation)
}

// run requires that the family does not change, and that the answer has it.
func (c refusedRotation) run(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	if c.set != nil {
		c.set(t, ctx, s)
	}
	r := present(f, 1, time.Minute)
	c.ask(&r)
	if c.want != store.Unknown {
		f.ID = r.ID
	}
	before := must[store.Family](t)(s.Family(ctx, f.ID))
	void := recorded(t, ctx, s)
	want := store.RotationResult{Outcome: c.want}
	if c.want != store.Unknown {
		want.Family, want.User = before, must[store.User](t)(s.User(ctx, before.UserID))
		want.User.PasswordHash = nil
		same(t, r.Decide(before, want.User, false), c.want)
	}
	got := must[store.RotationResult](t)(s.Rotate(ctx, r))
	same(t, got, want)
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), before)
	same(t, recorded(t, ctx, s), void)
}

func refusedRotations() []refusedRotation {
	updateUser := func(change func(*store.User)) func(*testing.T, context.Context, store.Store) {
		return func(t *testing.T, ctx context.Context, s store.Store) {
			u := must[store.User](t)(s.User(ctx, "alice"))
			change(&u)
			ok(t, s.UpdateUser(ctx, u, By()))
		}
	}
	revoked := func(t *testing.T, ctx context.Context, s store.Store) {
		ok(t, s.RevokeFamily(ctx, aFamily(1).ID, Voiding(voidsFamily(aFamily(1).ID, 0, "revoked"))))
	}
	asked := func(after time.Duration) func(*store.Rotation) {
		return func(r *store.Rotation) { r.Now = at(after) }
	}
	nothing := func(*store.Rotation) {}
	bound := func(t *testing.T, ctx context.Context, s store.Store) {
		f := aFamily(2)
		f.BoundTo = aThumbprint
		ok(t, s.CreateFamily(ctx, f))
	}
	proving := func(key string, also func(*store.Rotation)) func(*store.Rotation) {
		return func(r *store.Rotation) {
			r.ID = aFamily(2).ID
			if key != "" {
				r.Proved = []string{key}
			}
			also(r)
		}
	}
	return []refusedRotation{
		{"no such family", store.Unknown, nil, func(r *store.Rotation) { r.ID[0]++ }},
		{"another client", store.WrongClient, nil, func(r *store.Rotation) { r.ClientID = "Web" }},
		{"another client, before anything else", store.WrongClient, revoked, func(r *store.Rotation) { r.ClientID = "x"; r.Now = at(99 * time.Hour) }},
		{"bound to a key, and none was proved", store.WrongKey, bound, proving("", nothing)},
		{"bound to a key, and another was proved", store.WrongKey, bound, proving(anotherThumbprint, nothing)},
		{"bound to a key, byte by byte", store.WrongKey, bound, proving(strings.ToLower(aThumbprint), nothing)},
		{"another client, before another key", store.WrongClient, bound, proving("", func(r *store.Rotation) { r.ClientID = "x" })},
		{"another key, before expired", store.WrongKey, bound, proving("", asked(99*time.Hour))},
		{"another key, before more scope", store.WrongKey, bound, proving("", func(r *store.Rotation) { r.Scope = oauth.Scope{"admin"} })},
		{"another key, before reused", store.WrongKey, bound, proving("", func(r *store.Rotation) { r.Generation = 0 })},
		{"another key, before revoked", store.WrongKey, func(t *testing.T, ctx context.Context, s store.Store) {
			bound(t, ctx, s)
			ok(t, s.RevokeFamily(ctx, aFamily(2).ID, Voiding(voidsFamily(aFamily(2).ID, 0, "revoked"))))
		}, proving("", nothing)},
		{"revoked", store.Revoked, revoked, nothing},
		{"revoked, before expired", store.Revoked, revoked, asked(99 * time.Hour)},
		{"user disabled", store.Revoked, updateUser(func(u *store.User) { u.Disabled = true }), nothing},
		{"begun under an earlier NotBefore of the user", store.Revoked, updateUser(func(u *store.User) { u.NotBefore = at(time.Microsecond) }), nothing},
		{"begun under an earlier NotBefore of the client", store.Revoked, nil, func(r *store.Rotation) { r.ClientNotBefore = at(time.Microsecond) }},
		{"idle for too long", store.Expired, nil, asked(time.Hour)},
		{"at the end of its life", store.Expired, nil, asked(24 * time.Hour)},
		{"expired, before reused", store.Expired, nil, func(r *store.Rotation) { r.Now = at(time.Hour); r.Generation = 0 }},
		{"more scope than granted", store.ScopeExceeded, nil, func(r *store.Rotation) { r.Scope = oauth.Scope{"read", "admin"} }},
		{"more scope, before another resource", store.ScopeExceeded, nil, func(r *store.Rotation) {
			r.Scope, r.Resources = oauth.Scope{"Read"}, []string{"urn:x"}
		}},
		{"another resource than granted", store.ResourceExceeded, nil, func(r *store.Rotation) {
			r.Scope, r.Resources = oauth.Scope{}, []string{"https://api.example.com", "urn:x"}
		}},
		{"more scope on a retry within the grace", store.ScopeExceeded, func(t *testing.T, ctx context.Context, s store.Store) {
			must[store.RotationResult](t)(s.Rotate(ctx, present(aFamily(1), 1, time.Minute)))
		}, func(r *store.Rotation) { r.Scope = oauth.Scope{"admin"} }},
	}
}
