package storetest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"authserver/internal/store"
)

func failureTests() []test {
	return []test{
		{"a counter grows with each failure and runs down by itself", with(failuresGrow)},
		{"a counter has an end, and a clock that is behind moves nothing back", with(failuresBounded)},
		{"failures at once are all counted", failuresAtOnce},
		{"counters are told apart, read and forgotten by their keys", with(failuresByKey)},
		{"the newest counters are read first", with(failuresSince)},
		{"a user who is unlocked has no counters left, and the audit says so", with(failuresUnlocked)},
		{"counters that have run down are swept", with(failuresSwept)},
		{"a key that is none is refused", with(failuresRefused)},
	}
}

func failureKey(username, origin string) store.FailureKey {
	return store.FailureKey{Account: store.LoginAccount(username), Origin: origin}
}

func aFailure(key store.FailureKey) store.Failure {
	return store.Failure{FailureKey: key, Adds: time.Minute, Max: time.Hour}
}

// fail counts one failure for a key.
func fail(t *testing.T, ctx context.Context, s store.Store, now time.Duration, key store.FailureKey) store.Failures {
	t.Helper()
	counted := must[[]store.Failures](t)(s.CountFailures(ctx, at(now), []store.Failure{aFailure(key)}))
	same(t, len(counted), 1)
	return counted[0]
}

func failuresGrow(t *testing.T, ctx context.Context, s store.Store) {
	key := failureKey("alice", "192.0.2.0/24")
	same(t, fail(t, ctx, s, 0, key), store.Failures{FailureKey: key, At: at(0), ClearAt: at(time.Minute)})
	same(t, fail(t, ctx, s, 10*time.Second, key), store.Failures{FailureKey: key, At: at(10 * time.Second), ClearAt: at(2 * time.Minute)})
	last := store.Failures{FailureKey: key, At: at(time.Hour), ClearAt: at(time.Hour + time.Minute)}
	same(t, fail(t, ctx, s, time.Hour, key), last)
	same(t, must[[]store.Failures](t)(s.Failures(ctx, []store.FailureKey{key})), []store.Failures{last})
}

func failuresBounded(t *testing.T, ctx context.Context, s store.Store) {
	key := failureKey("alice", "192.0.2.0/24")
	for range 70 {
		fail(t, ctx, s, time.Minute, key)
	}
	same(t, fail(t, ctx, s, time.Minute, key).ClearAt, at(time.Hour+time.Minute))
	same(t, fail(t, ctx, s, 0, key).At, at(time.Minute))
	counted := must[[]store.Failures](t)(s.CountFailures(ctx, at(0), []store.Failure{{FailureKey: failureKey("bob", "x"), Adds: time.Hour, Max: time.Minute}}))
	same(t, counted[0].ClearAt, at(time.Minute))
}

func failuresAtOnce(t *testing.T, open Open) {
	ctx, s := migrated(t, open)
	other := open()
	keys := []store.FailureKey{failureKey("alice", "192.0.2.0/24"), {Origin: "192.0.2.1"}}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			failed := []store.Failure{aFailure(keys[i%2]), aFailure(keys[1-i%2])}
			if _, err := []store.Store{s, other}[i/2%2].CountFailures(ctx, at(0), failed); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, f := range must[[]store.Failures](t)(s.Failures(ctx, keys)) {
		same(t, f.ClearAt, at(20*time.Minute))
	}
}

func failuresByKey(t *testing.T, ctx context.Context, s store.Store) {
	keys := []store.FailureKey{
		failureKey("alice", "192.0.2.0/24"), failureKey("alice", "2001:db8::/64"), failureKey("bob", "192.0.2.0/24"),
		{Account: store.ClientAccount("alice"), Origin: "192.0.2.0/24"}, {Origin: "192.0.2.0/24"},
	}
	for i, key := range keys {
		for range i + 1 {
			fail(t, ctx, s, 0, key)
		}
	}
	for i, key := range keys {
		found := must[[]store.Failures](t)(s.Failures(ctx, []store.FailureKey{key}))
		same(t, found, []store.Failures{{FailureKey: key, At: at(0), ClearAt: at(time.Duration(i+1) * time.Minute)}})
	}
	ok(t, s.ClearFailures(ctx, keys[0]))
	ok(t, s.ClearFailures(ctx, keys[0])) // a second time is no error
	same(t, len(must[[]store.Failures](t)(s.Failures(ctx, keys))), 4)
	same(t, len(must[[]store.Failures](t)(s.Failures(ctx, nil))), 0)
}

func failuresSince(t *testing.T, ctx context.Context, s store.Store) {
	for i := range 4 {
		fail(t, ctx, s, time.Duration(i)*time.Second, failureKey("alice", strings.Repeat("x", i+1)))
	}
	var origins []string
	for _, f := range must[[]store.Failures](t)(s.FailuresSince(ctx, at(time.Second), 2)) {
		origins = append(origins, f.Origin)
	}
	same(t, origins, []string{"xxxx", "xxx"})
	same(t, len(must[[]store.Failures](t)(s.FailuresSince(ctx, at(time.Second), 100))), 3)
}

func failuresUnlocked(t *testing.T, ctx context.Context, s store.Store) {
	keys := []store.FailureKey{failureKey("alice", "a"), failureKey("alice", "b"), failureKey("bob", "a"), {Origin: "a"}}
	for _, key := range keys {
		fail(t, ctx, s, 0, key)
	}
	ok(t, s.Unlock(ctx, "alice's id", "alice", Changing(store.UserUnlocked)))
	left := must[[]store.Failures](t)(s.Failures(ctx, keys))
	same(t, len(left), 2)
	same(t, slices.ContainsFunc(left, func(f store.Failures) bool { return f.Account == store.LoginAccount("alice") }), false)
	told := theEvents(t, ctx, s, store.UserUnlocked)
	same(t, len(told), 1)
	same(t, []string{told[0].UserID, told[0].Details.Name}, []string{"alice's id", "alice"})
	if err := s.Unlock(ctx, "alice's id", "alice", store.Change{}); err == nil {
		t.Error("a user was unlocked without an actor")
	}
}

func failuresSwept(t *testing.T, ctx context.Context, s store.Store) {
	fail(t, ctx, s, 0, failureKey("alice", "a"))
	fail(t, ctx, s, time.Minute, failureKey("alice", "b"))
	same(t, must[int](t)(s.Sweep(ctx, at(time.Minute), 100)), 0)
	same(t, must[int](t)(s.Sweep(ctx, at(time.Minute+time.Microsecond), 100)), 1)
	same(t, must[int](t)(s.Sweep(ctx, at(time.Hour), 100)), 1)
	same(t, len(must[[]store.Failures](t)(s.FailuresSince(ctx, at(0), 100))), 0)
}

func failuresRefused(t *testing.T, ctx context.Context, s store.Store) {
	for _, origin := range []string{"", strings.Repeat("x", 129)} {
		_, err := s.CountFailures(ctx, at(0), []store.Failure{aFailure(failureKey("alice", origin))})
		refused(t, err)
	}
}
