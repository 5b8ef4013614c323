package keys_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/keys"
	"authserver/internal/store"
)

func TestStateFollowsFromTheMomentsAndTheClock(t *testing.T) {
	at := func(minutes int) time.Time { return newClock().Now().Add(time.Duration(minutes) * time.Minute) }
	second := store.SigningKey{Predecessor: "first", PublishedAt: at(0), ActiveAt: at(10), RetiredAt: at(20), RemovedAt: at(30)}
	last := store.SigningKey{Predecessor: "first", PublishedAt: at(0), ActiveAt: at(10)}
	first := store.SigningKey{PublishedAt: at(10), ActiveAt: at(10)}
	revoked := second
	revoked.RevokedAt = at(5)
	for _, c := range []struct {
		name string
		key  store.SigningKey
		now  time.Time
		want keys.State
	}{
		{"a key that was published in the future of a slow clock is pending", second, at(-1), keys.Pending},
		{"a key is pending from its publication", second, at(0), keys.Pending},
		{"a key is pending until just before it is active", second, at(10).Add(-1), keys.Pending},
		{"a key signs from the very moment on", second, at(10), keys.Active},
		{"a key signs until just before it retires", second, at(20).Add(-1), keys.Active},
		{"a key is retired from the very moment on", second, at(20), keys.Retired},
		{"a key is published until just before it is removed", second, at(30).Add(-1), keys.Retired},
		{"a key is removed from the very moment on", second, at(30), keys.Removed},
		{"a key without a successor signs on and on", last, at(1_000_000), keys.Active},
		{"the first key signs even by a clock that is behind its maker's", first, at(9), keys.Active},
		{"a revoked key is removed", revoked, at(15), keys.Removed},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := keys.StateAt(c.key, c.now); got != c.want {
				t.Errorf("state = %q, want %q", got, c.want)
			}
		})
	}
}

func TestHandover(t *testing.T) {
	tl := timeline()
	now := newClock().Now()
	if got, want := []time.Duration{tl.Lead(), tl.Lag()}, []time.Duration{6 * time.Minute, 16 * time.Minute}; !cmp.Equal(got, want) {
		t.Fatalf("lead and lag = %v, want %v", got, want)
	}
	heard := tl.PollInterval + tl.ClockSkew
	for _, c := range []struct {
		name string
		got  keys.Handover
		want [2]time.Duration // from now: the handover, and the removal of the predecessor
	}{
		{
			"a young key hands over when its time is up",
			tl.Regular(store.SigningKey{ActiveAt: now}, now, now), [2]time.Duration{24 * time.Hour, 24*time.Hour + 16*time.Minute},
		},
		{
			"a key whose time is up in less than the lead signs longer",
			tl.Regular(store.SigningKey{ActiveAt: now.Add(-24*time.Hour + 6*time.Minute - 1)}, now, now), [2]time.Duration{6 * time.Minute, 22 * time.Minute},
		},
		{
			"a key whose time is up in exactly the lead is on time",
			tl.Regular(store.SigningKey{ActiveAt: now.Add(-24*time.Hour + 6*time.Minute)}, now, now), [2]time.Duration{6 * time.Minute, 22 * time.Minute},
		},
		{
			"a key that is a year late still gives its successor the lead",
			tl.Regular(store.SigningKey{ActiveAt: now.AddDate(-1, 0, 0)}, now, now), [2]time.Duration{6 * time.Minute, 22 * time.Minute},
		},
		{
			"a key that is late hands over to one that is published for half of the lead after the rest",
			tl.Regular(store.SigningKey{ActiveAt: now.AddDate(-1, 0, 0)}, now.Add(-3*time.Minute), now), [2]time.Duration{3 * time.Minute, 19 * time.Minute},
		},
		{
			"a new key in a hurry waits for the lead",
			tl.Earliest(now, now), [2]time.Duration{6 * time.Minute, 22 * time.Minute},
		},
		{
			"a key that is published for half of the lead waits for the rest",
			tl.Earliest(now.Add(-3*time.Minute), now), [2]time.Duration{3 * time.Minute, 19 * time.Minute},
		},
		{
			"a key that is published for the lead signs now, and its predecessor stays until all have heard",
			tl.Earliest(now.Add(-6*time.Minute), now), [2]time.Duration{0, heard + 16*time.Minute},
		},
		{
			"a key that is published for long signs now and not in the past",
			tl.Earliest(now.Add(-time.Hour), now), [2]time.Duration{0, heard + 16*time.Minute},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := [2]time.Duration{c.got.At.Sub(now), c.got.RemovedAt.Sub(now)}; got != c.want {
				t.Errorf("handover and removal in %v, want %v", got, c.want)
			}
		})
	}
}

func TestTheLeadCountsHowLongTheJWKSMayBeStale(t *testing.T) {
	for _, c := range []struct {
		name        string
		maxAge      time.Duration
		stale, lead time.Duration
	}{
		{"a tenth of the default", 5 * time.Minute, 30 * time.Second, 5*time.Minute + 30*time.Second},
		{"whole seconds of it", 39 * time.Second, 3 * time.Second, 42 * time.Second},
		{"just a second", 10 * time.Second, time.Second, 11 * time.Second},
		{"nothing where that is less than a second", 10*time.Second - 1, 0, 10*time.Second - 1},
		{"nothing if no cache may keep it", 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			tl := keys.Timeline{JWKSMaxAge: c.maxAge, PollInterval: time.Minute, ClockSkew: time.Second}
			if got := tl.StaleWhileRevalidate(); got != c.stale {
				t.Errorf("it may be stale for %v, want %v", got, c.stale)
			}
			if got, want := tl.Lead(), c.lead+time.Minute+time.Second; got != want {
				t.Errorf("lead = %v, want %v", got, want)
			}
		})
	}
}

func TestValidateNamesTheSettings(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*keys.Timeline)
		want   []string
	}{
		{"the usual timeline is fine", func(*keys.Timeline) {}, nil},
		{"seconds are fine", func(tl *keys.Timeline) {
			*tl = keys.Timeline{RotationInterval: 2 * time.Second, JWKSMaxAge: time.Second, PollInterval: time.Second, MaxTokenTTL: time.Second}
		}, nil},
		{"an interval of exactly the lead is fine", func(tl *keys.Timeline) { tl.RotationInterval = tl.Lead() }, nil},
		{"an interval shorter than the lead", func(tl *keys.Timeline) { tl.RotationInterval = tl.Lead() - 1 }, []string{"key-rotation-interval"}},
		{"a poll that is too quick", func(tl *keys.Timeline) { tl.PollInterval = time.Second - 1 }, []string{"key-poll-interval"}},
		{"negative durations", func(tl *keys.Timeline) { tl.ClockSkew, tl.JWKSMaxAge = -1, -1 }, []string{"clock-skew", "jwks-max-age"}},
		{"all faults at once", func(tl *keys.Timeline) {
			*tl = keys.Timeline{JWKSMaxAge: -1, ClockSkew: -1, PollInterval: -1, RotationInterval: -time.Hour}
		}, []string{"key-rotation-interval", "key-poll-interval", "clock-skew", "jwks-max-age", "max-access-token-ttl"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tl := timeline()
			c.change(&tl)
			err := tl.Validate(time.Duration.String)
			if (err != nil) != (c.want != nil) {
				t.Fatalf("Validate() = %v, want faults in %v", err, c.want)
			}
			for _, setting := range c.want {
				if !strings.Contains(err.Error(), setting+" is ") {
					t.Errorf("Validate() = %v: does not name %s", err, setting)
				}
			}
		})
	}
}

func TestATickFitsIntoThePollInterval(t *testing.T) {
	tl := timeline()
	if reading := tl.PollInterval - tl.WriteWithin() - tl.TickInterval(); reading <= 0 {
		t.Errorf("%v is left for reading the keys, want some", reading)
	}
}
