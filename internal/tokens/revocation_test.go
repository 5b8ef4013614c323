package tokens

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"authserver/internal/store"
)

// book has revocations according to the contract of package store. It uses all that the contract
// allows: pages may be shorter than the limit although there is more, and a revocation may come
// twice.
type book struct {
	mu      sync.Mutex
	entries []store.Revocation
	page    int // the longest page; 0: the limit of the caller
	twice   bool
	err     error
	queries int
}

// tested is the actor of revocations in the tests.
func tested() By {
	return By{Actor: store.Actor{Type: store.ActorOperator, ID: "root@test"}, Reason: "test"}
}

func (b *book) Revoke(_ context.Context, v store.Void) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	b.entries = append(b.entries, store.Revocation{Kind: v.Kind, Value: v.Value, Before: v.Before, ExpiresAt: v.Until, Reason: v.Reason})
	return nil
}

func (b *book) RevokeFamily(ctx context.Context, _ store.FamilyID, by store.Change) error {
	by.Voids.Until = by.Voids.IssuedUntil // no server has promised anything
	return b.Revoke(ctx, by.Voids)
}

func (b *book) EndSession(ctx context.Context, _ store.SessionID, by store.Change) error {
	by.Voids.Until = by.Voids.IssuedUntil
	return b.Revoke(ctx, by.Voids)
}

func (*book) EndExpiredSessions(context.Context, store.Moment, int, store.Change) (int, error) {
	return 0, nil
}

func (b *book) RevokeConsent(ctx context.Context, _, _ string, by store.Change) error {
	by.Voids.Until = by.Voids.IssuedUntil
	return b.Revoke(ctx, by.Voids)
}

// record is Revoke by another replica.
func (b *book) record(r store.Revocation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = append(b.entries, r)
}

func (b *book) RevocationsAfter(_ context.Context, after store.Cursor, now store.Moment, limit int) ([]store.Revocation, store.Cursor, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queries++
	if b.err != nil {
		return nil, after, b.err
	}
	if b.page > 0 {
		limit = min(limit, b.page)
	}
	from, _ := strconv.Atoi(string(after))
	next := from
	if b.twice && from > 0 && from < len(b.entries) {
		from--
	}
	var page []store.Revocation
	for i := from; i < len(b.entries) && len(page) < limit; i++ {
		if b.entries[i].ExpiresAt.After(now) {
			page = append(page, b.entries[i])
		}
		next = i + 1
	}
	return page, store.Cursor(strconv.Itoa(next)), nil
}

func newView(b *book) *View {
	return &View{Store: b, Now: func() time.Time { return noon }}
}

func newRevoker(v *View) *Revoker {
	return &Revoker{
		Store: v.Store.(*book), View: v, Now: v.Now, Skew: time.Minute, Issuing: 20 * time.Second, Stale: time.Hour, Logger: slog.New(slog.DiscardHandler),
	}
}

func follow(t *testing.T, v *View) {
	t.Helper()
	if err := v.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// followed returns a view that has loaded all revocations.
func followed(t *testing.T, b *book) *View {
	t.Helper()
	v := newView(b)
	follow(t, v)
	return v
}

func isRevoked(t *testing.T, v *View, c Claims) bool {
	t.Helper()
	revoked, err := v.Revoked(t.Context(), c)
	if err != nil {
		t.Error(err)
	}
	return revoked
}

func void(kind store.RevocationKind, value string, before time.Time) store.Revocation {
	return store.Revocation{Kind: kind, Value: value, Before: store.At(before), ExpiresAt: store.At(noon.Add(time.Hour)), Reason: "test"}
}

// issued returns the claims from Verify for a token that was issued while its client and its
// subject had this NotBefore.
func issued(under time.Time, family store.FamilyID) Claims {
	return Claims{
		Subject: "user-1", ClientID: "web", ID: "jti-1",
		Parsed: ID{Family: family, Client: under.UnixMilli(), Subject: under.UnixMilli()},
	}
}

func TestViewRevoked(t *testing.T) {
	family := store.FamilyID{1, 2, 3}
	named := family.String()
	acting := issued(noon, store.FamilyID{})
	acting.Subject, acting.ClientID = "web", "gateway"
	tests := []struct {
		name  string
		entry store.Revocation
		token Claims
		want  bool
	}{
		{"a token by its jti", void(store.RevokedToken, "jti-1", noon), issued(noon, family), true},
		{"a token by its jti, whenever issued", void(store.RevokedToken, "jti-1", noon.Add(-time.Hour)), issued(noon, family), true},
		{"not by another jti", void(store.RevokedToken, "jti-2", noon), issued(noon, family), false},
		{"a token of a revoked family, whenever issued", void(store.RevokedFamily, named, noon.Add(-time.Hour)), issued(noon, family), true},
		{"not by another family", void(store.RevokedFamily, "ff"+named[2:], noon), issued(noon, family), false},
		{"a token of no family is not of the zero family", void(store.RevokedFamily, hex.EncodeToString(make([]byte, 16)), noon), issued(noon, store.FamilyID{}), false},
		{"a kind is not another: a jti that is a user's id", void(store.RevokedUser, "jti-1", noon), issued(noon, family), false},
		{"a kind is not another: a user's id that is a family", void(store.RevokedUser, named, noon), issued(noon, family), false},

		{"of a user, what was issued under an earlier NotBefore", void(store.RevokedUser, "user-1", noon.Add(time.Millisecond)), issued(noon, family), true},
		{"of a user, not what was issued under the new one", void(store.RevokedUser, "user-1", noon.Truncate(time.Millisecond)), issued(noon, family), false},
		{"of another user nothing", void(store.RevokedUser, "user-2", noon.Add(time.Hour)), issued(noon, family), false},

		{"of a client, what was issued under an earlier NotBefore", void(store.RevokedClient, "web", noon.Add(time.Millisecond)), issued(noon, family), true},
		{"of a client, not what was issued under the new one", void(store.RevokedClient, "web", noon.Truncate(time.Millisecond)), issued(noon, family), false},
		{"of another client nothing", void(store.RevokedClient, "Web", noon), issued(noon, family), false},
		{"of a client, what another party holds for it", void(store.RevokedClient, "web", noon.Add(time.Millisecond)), acting, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := followed(t, &book{})
			if isRevoked(t, v, test.token) {
				t.Fatal("revoked before anything was")
			}
			v.Store.(*book).record(test.entry)
			follow(t, v)
			if got := isRevoked(t, v, test.token); got != test.want {
				t.Errorf("Revoked = %v, want %v", got, test.want)
			}
			elsewhere := followed(t, v.Store.(*book)) // another replica
			if got := isRevoked(t, elsewhere, test.token); got != test.want {
				t.Errorf("on another replica Revoked = %v, want %v", got, test.want)
			}
		})
	}
}

// A revocation only grows: an older one that arrives late does not shrink it.
func TestViewRevocationsGrow(t *testing.T) {
	v := followed(t, &book{})
	late := issued(noon, store.FamilyID{})
	for _, before := range []time.Time{noon.Add(-time.Minute), noon.Add(time.Minute), noon.Add(-time.Hour)} {
		entry := void(store.RevokedUser, "user-1", before)
		entry.ExpiresAt = entry.Before.Add(10 * time.Minute)
		v.Store.(*book).record(entry)
		follow(t, v)
	}
	v.Forget(noon.Add(10 * time.Minute))
	if !isRevoked(t, v, late) {
		t.Error("an older revocation took back a newer one")
	}
}

func TestViewForgets(t *testing.T) {
	v := newView(&book{})
	entry := void(store.RevokedToken, "jti-1", noon)
	entry.ExpiresAt = entry.ExpiresAt.Truncate(time.Millisecond)
	v.Store.(*book).record(entry)
	follow(t, v)
	for _, step := range []struct {
		at   time.Time
		want int
	}{{noon, 1}, {entry.ExpiresAt.Add(-time.Microsecond), 1}, {entry.ExpiresAt, 0}, {entry.ExpiresAt, 0}} {
		v.Forget(step.at)
		if v.Len() != step.want {
			t.Errorf("at %s the view holds %d, want %d", step.at, v.Len(), step.want)
		}
	}
}

func TestViewFollowsPages(t *testing.T) {
	for _, test := range []struct {
		name string
		book *book
	}{
		{"full pages", &book{}},
		{"pages that are shorter than asked for", &book{page: 300}},
		{"pages of one", &book{page: 1}},
		{"entries that come twice", &book{twice: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			const n = 2*followBatch + 17
			for i := range n {
				test.book.record(void(store.RevokedToken, fmt.Sprint("jti-", i), noon))
			}
			v := followed(t, test.book)
			if v.Len() != n {
				t.Fatalf("the view holds %d of %d", v.Len(), n)
			}
			test.book.queries = 0
			if err := v.Follow(t.Context()); err != nil || test.book.queries != 1 {
				t.Errorf("with nothing new Follow made %d queries (%v), want 1", test.book.queries, err)
			}
			test.book.record(void(store.RevokedToken, "one more", noon))
			if err := v.Follow(t.Context()); err != nil || v.Len() != n+1 {
				t.Errorf("the view holds %d of %d (%v)", v.Len(), n+1, err)
			}
		})
	}
}

// A page that is empty because all of it has expired must not stop the cursor.
func TestViewFollowPassesWhatHasExpired(t *testing.T) {
	b := &book{}
	gone := void(store.RevokedToken, "gone", noon)
	gone.ExpiresAt = store.At(noon)
	for _, r := range []store.Revocation{gone, void(store.RevokedToken, "jti-1", noon)} {
		b.record(r)
	}
	v := followed(t, b)
	if v.Len() != 1 || !isRevoked(t, v, issued(noon, store.FamilyID{})) {
		t.Errorf("the view holds %d, want 1", v.Len())
	}
}

// Before the first Follow the view does not know the revocations: a caller waits, and gets an error
// when its time is up.
func TestViewThatIsNotLoaded(t *testing.T) {
	b := &book{err: store.ErrUnavailable, entries: []store.Revocation{void(store.RevokedToken, "jti-1", noon)}}
	v := newView(b)
	if err := v.Follow(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("Follow returned %v", err)
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Revoked(impatient, issued(noon, store.FamilyID{})); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("before anything is loaded Revoked returned %v", err)
	}
	answer := make(chan bool)
	go func() {
		revoked, err := v.Revoked(t.Context(), issued(noon, store.FamilyID{}))
		answer <- revoked && err == nil
	}()
	b.mu.Lock()
	b.err = nil
	b.mu.Unlock()
	if err := v.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !<-answer {
		t.Error("who waited was not told that the token is revoked")
	}
}

func TestViewOutage(t *testing.T) {
	b := &book{err: store.ErrUnavailable}
	v := newView(b)
	if err := v.Follow(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Follow returned %v", err)
	}
	if err := newRevoker(v).Token(t.Context(), "test", "jti-1", noon); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Token returned %v", err)
	}
	if v.Len() != 0 {
		t.Error("a revocation that was not recorded is obeyed here alone, without an error")
	}
	b.err = nil
	b.record(void(store.RevokedToken, "jti-1", noon))
	if err := v.Follow(t.Context()); err != nil || v.Len() != 1 {
		t.Errorf("after the outage the view holds %d (%v)", v.Len(), err)
	}
}

// Checks, changes and readings run concurrently. The race detector must find nothing, and no
// revocation may get lost.
func TestViewConcurrently(t *testing.T) {
	const workers, each = 8, 200
	b := &book{page: 50}
	v, other := followed(t, b), newView(b)
	revoker := newRevoker(v)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := range each {
				id := fmt.Sprintf("jti-%d-%d", w, i)
				if err := revoker.Token(t.Context(), "test", id, noon.Add(time.Hour)); err != nil {
					t.Error(err)
				}
				if !isRevoked(t, v, Claims{ID: id, Parsed: ID{Client: 1}}) {
					t.Errorf("%s is not obeyed at once", id)
				}
				if i%20 == 0 {
					if err := errors.Join(v.Follow(t.Context()), other.Follow(t.Context())); err != nil {
						t.Error(err)
					}
					v.Forget(noon)
				}
			}
		})
	}
	group.Wait()
	if err := other.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v.Len() != workers*each || other.Len() != workers*each {
		t.Errorf("the views hold %d and %d, want %d", v.Len(), other.Len(), workers*each)
	}
}

// A view without updates reports that it is not current, and a view that never had one reports that
// after a while.
func TestAViewSaysWhetherItIsCurrent(t *testing.T) {
	b, now := &book{err: store.ErrUnavailable}, time.Unix(1000, 0)
	v := &View{Store: b, Now: func() time.Time { return now }}
	current := func(when string, want bool) {
		t.Helper()
		if err := v.Current(time.Minute); (err == nil) != want {
			t.Errorf("%s: %v", when, err)
		}
	}
	current("at the start", true)
	now = now.Add(time.Minute)
	current("while it loads", true)
	now = now.Add(time.Second)
	current("after too long a load", false)
	b.err = nil
	if err := v.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	current("loaded", true)
	b.err = store.ErrUnavailable
	now = now.Add(time.Minute)
	if err := v.Follow(t.Context()); err == nil {
		t.Fatal("it followed without a database")
	}
	current("a minute later", true)
	now = now.Add(time.Second)
	current("without anything new for too long", false)
}
