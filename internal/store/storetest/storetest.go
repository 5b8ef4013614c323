package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// Open opens one more handle on one database. It fails the test if it cannot, and closes the handle
// when the test is over.
type Open func() store.Store

// Run tests an engine against the contract of package store. empty makes a database without a
// schema for one test, and fresh makes one without rows that may be migrated already.
//
// Watchers run first, and one at a time: they must report a change within a second, for which other
// tests would leave no time. All other tests run concurrently.
func Run(t *testing.T, empty, fresh func(t *testing.T) Open) {
	t.Run("watchers", func(t *testing.T) {
		for _, c := range watchTests() {
			t.Run(c.name, func(t *testing.T) { c.run(t, fresh(t)) })
		}
	})
	run(t, "migrations", migrateTests(), empty)
	for _, group := range []struct {
		name  string
		cases []test
	}{
		{"clients", clientTests()},
		{"users", userTests()},
		{"names", nameTests()},
		{"resources", resourceTests()},
		{"issuers", issuerTests()},
		{"families", familyTests()},
		{"rotations", rotationTests()},
		{"rotations put back", putBackTests()},
		{"redemptions", redemptionTests()},
		{"sessions", sessionTests()},
		{"consents", consentTests()},
		{"deliveries", deliveryTests()},
		{"clocks", clockTests()},
		{"races", raceTests()},
		{"revocations", revocationTests()},
		{"voids", voidTests()},
		{"assertions", assertionTests()},
		{"failed attempts", failureTests()},
		{"signing keys", signingKeyTests()},
		{"key plans", keyPlanTests()},
		{"sealed keys", sealedKeyTests()},
		{"sweeps", sweepTests()},
		{"events", eventTests()},
		{"health", healthTests()},
	} {
		run(t, group.name, group.cases, fresh)
	}
}

// run runs the tests of a group concurrently, also with those of the other groups.
func run(t *testing.T, group string, cases []test, database func(t *testing.T) Open) {
	t.Run(group, func(t *testing.T) {
		t.Parallel()
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.run(t, database(t))
			})
		}
	})
}

type test struct {
	name string
	run  func(*testing.T, Open)
}

// with opens a migrated store for a test that needs one handle.
func with(run func(*testing.T, context.Context, store.Store)) func(*testing.T, Open) {
	return func(t *testing.T, open Open) {
		ctx, s := migrated(t, open)
		run(t, ctx, s)
	}
}

func migrated(t *testing.T, open Open) (context.Context, store.Store) {
	t.Helper()
	ctx := testContext(t)
	s := open()
	ok(t, s.MigrateUp(ctx))
	return ctx, s
}

// testContext ends when a test has waited for too long.
func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// at returns a moment of the test's clock: a time after its beginning, with microseconds that must
// not get lost.
func at(d time.Duration) store.Moment {
	return time.Date(2026, time.March, 29, 1, 59, 58, 123456000, time.UTC).Add(d)
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

// refused is for values that the engine's constraints refuse.
func refused(t *testing.T, err error) {
	t.Helper()
	for _, kind := range []error{store.ErrExists, store.ErrNotFound, store.ErrConflict, store.ErrUnavailable} {
		if err == nil || errors.Is(err, kind) {
			t.Fatalf("got error %v, want that of a constraint", err)
		}
	}
}

func same[T any](t *testing.T, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, compact()); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
}

// must returns a value, and fails the test if there is an error.
func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		ok(t, err)
		return v
	}
}

// concurrently runs n calls of f at once and returns their results.
func concurrently[T any](n int, f func(i int) T) []T {
	results := make([]T, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			results[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return results
}

// count returns how many of the results are equal to each value.
func count[T comparable](results []T) map[T]int {
	counts := map[T]int{}
	for _, r := range results {
		counts[r]++
	}
	return counts
}

func aClient(id string) store.Client {
	return store.Client{
		ID: id, AuthMethods: []oauth.AuthMethod{oauth.AuthNone}, Grants: []oauth.GrantType{oauth.Password, oauth.RefreshToken},
		RefreshIdle: time.Hour, RefreshMax: 24 * time.Hour, NotBefore: at(0), Version: 1, CreatedAt: at(0), UpdatedAt: at(0),
	}
}

func aUser(id string) store.User {
	return store.User{
		ID: id, Username: "name-of-" + id, PasswordHash: []byte("$2a$04$hash"), Roles: []string{"admin", "reader"},
		Permissions: []string{"door:open"}, NotBefore: at(0), Version: 1, CreatedAt: at(0), UpdatedAt: at(0),
	}
}

// aFamily returns a family of the client "web" and the user "alice".
func aFamily(number byte) store.Family {
	return store.Family{
		ID: store.FamilyID{15: number}, ClientID: "web", UserID: "alice", Scope: oauth.Scope{"read", "write"},
		Resources: []string{"https://api.example.com", "https://b.example.com"}, Generation: 1,
		CreatedAt: at(time.Second), ClientNotBefore: at(0), UserNotBefore: at(0),
		IdleExpiresAt: at(time.Hour), ExpiresAt: at(24 * time.Hour),
	}
}

// withFamily adds "web", "alice" and a family of theirs.
func withFamily(t *testing.T, ctx context.Context, s store.Store) store.Family {
	t.Helper()
	ok(t, s.CreateClient(ctx, aClient("web"), By()))
	ok(t, s.CreateUser(ctx, aUser("alice"), By()))
	f := aFamily(1)
	ok(t, s.CreateFamily(ctx, f))
	return f
}

// candidates returns resources of one kind that list the scope of [aFamily].
func candidates(resources ...string) []store.Candidate {
	var list []store.Candidate
	for _, id := range resources {
		list = append(list, store.Candidate{Resource: id, Scope: oauth.Scope{"write", "read"}})
	}
	return list
}

// exchange returns the parts of an exchange that meets its conditions.
func exchange(f store.Family, after time.Duration, usedTwice string) store.Exchange {
	return store.Exchange{
		ID: f.ID, ClientID: f.ClientID, ClientNotBefore: at(0), Now: at(after), Candidates: candidates(f.Resources...), Idle: time.Hour,
		Voids: voidsFamily(f.ID, after, usedTwice),
	}
}

// present returns a rotation of a generation of the family some time after it began.
func present(f store.Family, generation uint32, after time.Duration) store.Rotation {
	return store.Rotation{
		Exchange: exchange(f, after, "refresh_reused"), Generation: generation, Grace: 10 * time.Second,
	}
}

func voidsClient(id string, after time.Duration) store.Void {
	return store.Void{Kind: store.RevokedClient, Value: id, Before: at(after), IssuedUntil: at(after + time.Hour), Reason: "client_deleted"}
}

func voidsUser(id string, after time.Duration) store.Void {
	return store.Void{Kind: store.RevokedUser, Value: id, Before: at(after), IssuedUntil: at(after + time.Hour), Reason: "user_deleted"}
}

// kept returns the recorded revocation of a Void if no server has promised how long its tokens
// live.
func kept(v store.Void) store.Revocation {
	until := v.IssuedUntil
	if until.IsZero() {
		until = v.Until
	}
	return store.Revocation{Kind: v.Kind, Value: v.Value, Before: v.Before, ExpiresAt: until, Reason: v.Reason}
}

// recorded returns all revocations that are valid at the test's beginning.
func recorded(t *testing.T, ctx context.Context, s store.Store) []store.Revocation {
	t.Helper()
	list, _ := readOn(t, ctx, s, "", 100)
	return list
}

// readOn reads revocations from the cursor to the end.
func readOn(t *testing.T, ctx context.Context, s store.Store, cursor store.Cursor, limit int) ([]store.Revocation, store.Cursor) {
	t.Helper()
	var list []store.Revocation
	for range 10_000 {
		some, next, err := s.RevocationsAfter(ctx, cursor, at(0), limit)
		ok(t, err)
		if len(some) > limit {
			t.Fatalf("%d revocations, more than the limit of %d", len(some), limit)
		}
		cursor = next
		if len(some) == 0 {
			return list, cursor
		}
		list = append(list, some...)
	}
	t.Fatal("reading revocations does not come to an end")
	return nil, ""
}
