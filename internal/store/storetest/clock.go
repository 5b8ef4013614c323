package storetest

import (
	"context"
	"encoding/binary"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"authserver/internal/store"
)

func clockTests() []test {
	return []test{
		{"a moment of another clock has come when the skew is over, one of the same clock at once", with(clockTable)},
		{"a sweep by the same rule leaves what another clock calls alive", with(clockSweep)},
		{"replicas whose clocks differ by the skew at most log no user out, and find every reuse", clockModel},
	}
}

const testSkew = 15 * time.Second

// by returns a clock with the skew of the tests.
func by(id store.ClockID) store.Clock { return store.Clock{ID: id, Skew: testSkew} }

func clockTable(t *testing.T, ctx context.Context, s store.Store) {
	withFamily(t, ctx, s)
	const grace, idle, end = 10 * time.Second, 3 * time.Minute, 5 * time.Minute // those of present and of the family
	const rotatedAt, tick = time.Minute, time.Microsecond
	for i, c := range []struct {
		name       string
		writer, by store.ClockID
		generation uint32
		now        time.Duration
		want       store.Outcome
	}{
		{"its own grace", 1, 1, 1, rotatedAt + grace, store.Graced},
		{"after its own grace", 1, 1, 1, rotatedAt + grace + tick, store.Reused},
		{"another's grace", 1, 2, 1, rotatedAt + grace + testSkew, store.Graced},
		{"after another's grace", 1, 2, 1, rotatedAt + grace + testSkew + tick, store.Reused},
		{"another's grace, by a clock that is behind", 1, 2, 1, rotatedAt - testSkew, store.Graced},
		{"the grace of a clock that is not known", 0, 0, 1, rotatedAt + grace + testSkew, store.Graced},
		{"its own idle end", 1, 1, 2, rotatedAt + idle - tick, store.Rotated},
		{"at its own idle end", 1, 1, 2, rotatedAt + idle, store.Expired},
		{"before another's idle end", 1, 2, 2, rotatedAt + idle + testSkew - tick, store.Rotated},
		{"at another's idle end", 1, 2, 2, rotatedAt + idle + testSkew, store.Expired},
		{"an end of its life that another wrote, after an exchange of its own", 2, 1, 3, end + testSkew - tick, store.Rotated},
		{"at that end", 2, 1, 3, end + testSkew, store.Expired},
		{"at an end of its life of its own, after an exchange of its own", 1, 1, 3, end, store.Expired},
	} {
		f := aFamily(byte(10 + i))
		f.IdleExpiresAt, f.ExpiresAt, f.CreatedBy, f.RotatedBy = at(idle), at(end), c.writer, c.writer
		ok(t, s.CreateFamily(ctx, f))
		rotate := func(generation uint32, now time.Duration, clock store.ClockID) store.RotationResult {
			r := present(f, generation, now)
			r.Grace, r.Idle, r.Clock = grace, idle, by(clock)
			return must[store.RotationResult](t)(s.Rotate(ctx, r))
		}
		moved := rotate(1, rotatedAt, c.writer)
		same(t, moved.Family.RotatedBy, c.writer)
		same(t, moved.Family.CreatedBy, c.writer)
		if c.generation == 3 {
			same(t, rotate(2, rotatedAt+idle/2, c.by).Outcome, store.Rotated)
		}
		if got := rotate(c.generation, c.now, c.by); got.Outcome != c.want {
			t.Errorf("%s: %s, want %s", c.name, got.Outcome, c.want)
		}
	}
}

// The sweep gets a moment that has passed by every clock.
func clockSweep(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s) // idle until an hour is over
	mine, now := by(1), at(time.Hour+testSkew)
	same(t, must[int](t)(s.Sweep(ctx, mine.Earliest(now, 2), 100)), 0)
	behind := present(f, 1, time.Hour)
	behind.Clock = by(3)
	same(t, must[store.RotationResult](t)(s.Rotate(ctx, behind)).Outcome, store.Rotated)
}

// clockModel runs an honest client with replicas whose clocks are wrong.
func clockModel(t *testing.T, open Open) {
	ctx, s := migrated(t, open)
	ok(t, s.CreateClient(ctx, aClient("web"), By()))
	var number atomic.Uint64
	rapid.Check(t, func(rt *rapid.T) {
		f := aFamily(0)
		binary.BigEndian.PutUint64(f.ID[:8], number.Add(1))
		f.UserID = strconv.FormatUint(number.Load(), 10)
		if err := s.CreateUser(ctx, aUser(f.UserID), By()); err != nil {
			rt.Fatal(err)
		}
		off := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(testSkew/time.Microsecond)).Draw(rt, "µs")) * time.Microsecond
		}), 3, 3).Draw(rt, "clocks are ahead by")
		now := time.Minute // the true time
		rotate := func(generation uint32, what string) store.Outcome {
			replica := rapid.IntRange(0, 2).Draw(rt, "replica")
			r := present(f, generation, now+off[replica])
			r.Grace, r.Idle, r.Clock = modelGrace, modelIdle, by(store.ClockID(replica+1))
			got, err := s.Rotate(ctx, r)
			if err != nil {
				rt.Fatalf("%s: %v", what, err)
			}
			return got.Outcome
		}
		creator := rapid.IntRange(0, 2).Draw(rt, "creator")
		f.CreatedBy, f.RotatedBy = store.ClockID(creator+1), store.ClockID(creator+1)
		f.IdleExpiresAt, f.ExpiresAt = at(now+off[creator]+modelIdle), at(now+off[creator]+modelLife)
		if err := s.CreateFamily(ctx, f); err != nil {
			rt.Fatal(err)
		}
		end, generation, exchanged := now+modelLife, uint32(1), now
		for range rapid.IntRange(1, 4).Draw(rt, "refreshes") {
			unused := time.Duration(rapid.Int64Range(0, int64(modelIdle)-1).Draw(rt, "unused for")).Truncate(time.Microsecond)
			now = min(max(now, exchanged+unused), end-time.Microsecond)
			exchanged = now
			if got := rotate(generation, "refresh"); got != store.Rotated {
				rt.Fatalf("a refresh in time is %s", got)
			}
			late := time.Duration(rapid.Int64Range(0, int64(modelGrace)).Draw(rt, "retried after")).Truncate(time.Microsecond)
			now = min(exchanged+late, end-time.Microsecond)
			if got := rotate(generation, "retry"); got != store.Graced {
				rt.Fatalf("a retry %s later is %s", now-exchanged, got)
			}
			generation++
		}
		if late := exchanged + modelGrace + 3*testSkew; late < end {
			now = late
			if got := rotate(generation-1, "reuse"); got != store.Reused && got != store.Expired {
				rt.Fatalf("a reuse is %s", got)
			}
		}
	})
}
