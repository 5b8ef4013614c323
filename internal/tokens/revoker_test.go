package tokens

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/store"
)

// A revocation voids tokens that are issued for as long as a request takes, and for a client, for
// as long as a server continues with what it has read.
func TestRevokerVoids(t *testing.T) {
	r := newRevoker(newView(&book{}))
	moment := store.At(noon.Truncate(time.Millisecond))
	ahead := moment.Add(time.Minute)
	client, user := store.Client{ID: "web", NotBefore: moment.Add(-time.Hour)}, store.User{ID: "alice", NotBefore: ahead}
	family := store.FamilyID{1, 2}
	for name, c := range map[string]struct{ got, want store.Void }{
		"a client": {r.Client(&client, "gone"), store.Void{
			Kind: store.RevokedClient, Value: "web", Before: moment, IssuedUntil: store.At(noon.Add(time.Hour + 20*time.Second)), Reason: "gone",
		}},
		"a user that a clock ahead of ours made void": {r.User(&user, "gone"), store.Void{
			Kind: store.RevokedUser, Value: "alice", Before: ahead.Add(time.Millisecond), IssuedUntil: store.At(noon.Add(20 * time.Second)), Reason: "gone",
		}},
		"a reuse": {r.Reuse(family, noon), store.Void{
			Kind: store.RevokedFamily, Value: family.String(), Before: store.At(noon), IssuedUntil: store.At(noon.Add(20 * time.Second)), Reason: "refresh_reused",
		}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	if !client.NotBefore.Equal(moment) || !user.NotBefore.Equal(ahead.Add(time.Millisecond)) {
		t.Errorf("NotBefore is %s and %s now", client.NotBefore, user.NotBefore)
	}
}

// A revoked token is void here at once, and everywhere until it has expired by the slowest clock.
func TestRevokerVoidsAToken(t *testing.T) {
	b := &book{}
	v := followed(t, b)
	expires := noon.Add(10 * time.Minute)
	if err := newRevoker(v).Token(t.Context(), "test", "jti-1", expires); err != nil {
		t.Fatal(err)
	}
	if !isRevoked(t, v, issued(noon, store.FamilyID{})) || !isRevoked(t, followed(t, b), issued(noon, store.FamilyID{})) {
		t.Error("the token is good")
	}
	if got, want := b.entries[0].ExpiresAt, store.At(expires.Add(time.Minute)); !got.Equal(want) {
		t.Errorf("it is kept until %s, want %s", got, want)
	}
}

// A revoked family is void here at once, or, if the database is gone just then, as soon as it is
// read back.
func TestRevokerVoidsAFamily(t *testing.T) {
	b := &book{}
	v := followed(t, b)
	family := store.FamilyID{7}
	if err := newRevoker(v).Family(t.Context(), tested(), family); err != nil {
		t.Fatal(err)
	}
	if !isRevoked(t, v, issued(noon, family)) {
		t.Error("its tokens are good")
	}
	b.err = store.ErrUnavailable
	if err := newRevoker(v).Family(t.Context(), tested(), store.FamilyID{8}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("what was not recorded ends in %v", err)
	}
	if isRevoked(t, v, issued(noon, store.FamilyID{8})) {
		t.Error("what was not recorded is obeyed here alone")
	}
}
