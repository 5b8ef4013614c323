package storetest

import (
	"encoding/binary"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"authserver/internal/store"
)

// redemptionDecided makes right and wrong requests in any mixture.
func redemptionDecided(t *testing.T, open Open) {
	ctx, s := migrated(t, open)
	withFamily(t, ctx, s)
	var number atomic.Uint64
	rapid.Check(t, func(rt *rapid.T) {
		odd := func(name string) bool { return rapid.IntRange(0, 5).Draw(rt, name) == 0 }
		check := func(err error) {
			if err != nil {
				rt.Fatal(err)
			}
		}
		f := aCode(0)
		binary.BigEndian.PutUint64(f.ID[:8], number.Add(1))
		f.CreatedBy, f.RotatedBy = 1, 1
		if odd("held to nothing") {
			f.Code = store.Code{}
		}
		if odd("short life") {
			f.ExpiresAt = at(30 * time.Second)
		}
		check(s.CreateFamily(ctx, f))
		r := redeem(f, 0)
		r.Now = at(rapid.SampledFrom([]time.Duration{0, 30 * time.Second, 31 * time.Second, time.Minute, time.Minute + time.Second}).Draw(rt, "now"))
		r.Clock = store.Clock{ID: store.ClockID(rapid.IntRange(0, 2).Draw(rt, "clock")), Skew: time.Second}
		for _, change := range []struct {
			name string
			make func()
		}{
			{"client", func() { r.ClientID = "other" }},
			{"not before", func() { r.ClientNotBefore = at(time.Second) }},
			{"redirect", func() { r.RedirectURI = rapid.SampledFrom([]string{"", "https://evil.example/"}).Draw(rt, "uri") }},
			{"challenge", func() { r.Challenge = rapid.SampledFrom([]string{"", "wrong"}).Draw(rt, "verifier") }},
			{"proved", func() { r.Proved = nil }},
			{"binds", func() { r.Binds = aThumbprint }},
			{"resources", func() {
				r.Resources = rapid.SampledFrom([][]string{{}, {"urn:x"}, f.Resources[:1], f.Resources}).Draw(rt, "asked")
			}},
			{"kind", func() { r.Candidates[0].Kind = -1 }},
			{"candidates", func() { r.Candidates = rapid.SampledFrom([][]store.Candidate{nil, candidates("urn:x")}).Draw(rt, "of") }},
			{"uses", func() { r.Uses = []store.Use{{Issuer: "web", ID: idOf(f), ExpiresAt: at(time.Hour)}} }},
		} {
			if odd(change.name) {
				change.make()
			}
		}
		for range 3 {
			row, err := s.Family(ctx, f.ID)
			check(err)
			u, err := s.User(ctx, f.UserID)
			check(err)
			used := false
			for _, use := range r.Uses {
				before, err := s.AssertionUsed(ctx, use.Issuer, use.ID)
				check(err)
				used = used || before
			}
			want := r.Decide(row, u, used)
			got, err := s.Redeem(ctx, r)
			check(err)
			if got.Outcome != want {
				rt.Fatalf("got %s, and Redemption.Decide says %s", got.Outcome, want)
			}
			after, err := s.Family(ctx, f.ID)
			check(err)
			if moves := want == store.Redeemed; moves != (after.Generation > row.Generation) {
				rt.Fatalf("%s, and the family went from generation %d to %d", want, row.Generation, after.Generation)
			}
			if ends := want == store.CodeReplayed; ends != (row.RevokedAt.IsZero() && !after.RevokedAt.IsZero()) {
				rt.Fatalf("%s, and the family was revoked at %s", want, after.RevokedAt)
			}
		}
	})
}

// idOf returns a single use for a family.
func idOf(f store.Family) (id [32]byte) {
	copy(id[:], f.ID[:])
	return id
}
