package admin_test

import (
	"context"
	"testing"
	"time"

	"authserver/internal/admin"
	"authserver/internal/store"
	"authserver/internal/store/sqlite"
	"authserver/internal/store/storetest"
	"authserver/internal/tokens"
)

// A command with shorter lifetimes than those of the servers voids a token until its end, also for
// a replica that starts later, after a replica whose clock is ahead has swept.
func TestWhatACommandVoidsStaysVoid(t *testing.T) {
	const ttl, skew = 15 * time.Minute, time.Minute
	for name, void := range map[string]func(o *office, user string) error{
		"a client is disabled": func(o *office, _ string) error {
			_, _, err := o.Clients.Update(t.Context(), by, "web", admin.ClientInput{Disabled: ptr(true)})
			return err
		},
		"a client is deleted": func(o *office, _ string) error { return o.Clients.Delete(t.Context(), by, "web") },
		"a user is disabled": func(o *office, user string) error {
			_, err := o.Users.Update(t.Context(), by, user, admin.UserInput{Disabled: ptr(true)})
			return err
		},
		"a user has another password": func(o *office, user string) error {
			_, err := o.Users.Update(t.Context(), by, user, admin.UserInput{Password: ptr("looking-glass")})
			return err
		},
		"a user is deleted": func(o *office, user string) error { return o.Users.Delete(t.Context(), by, user) },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.serves(ttl)
			o.client(admin.NewClient{ID: "web"})
			user := o.user("bob").ID
			client, err := o.store.Client(t.Context(), "web")
			o.must(err)
			read, err := o.store.User(t.Context(), user)
			o.must(err)
			minted, err := o.minter().Mint(o.clock.Add(skew), tokens.Access{ // by a server whose clock is ahead
				Subject: user, ClientID: "web", Audience: []string{api}, Alg: "ES256", TTL: ttl,
				ClientNotBefore: client.NotBefore, SubjectNotBefore: read.NotBefore,
			})
			o.must(err)
			o.clock = o.clock.Add(time.Second)
			o.must(void(o, user))

			o.clock = o.clock.Add(ttl + skew - 2*time.Second) // its last second, for a replica whose clock is right
			_, err = o.store.Sweep(t.Context(), o.now().Add(skew), 100)
			o.must(err)
			verifier := &tokens.Verifier{Issuer: self, Keys: o.Keys.Signing, Skew: skew}
			claims, err := verifier.Verify(o.clock, minted.Token)
			o.must(err)
			view := &tokens.View{Store: o.store, Now: func() time.Time { return o.clock }}
			o.must(view.Follow(t.Context()))
			if revoked, err := view.Revoked(t.Context(), claims); err != nil || !revoked {
				t.Errorf("the token is good again (%v)", err)
			}
		})
	}
}

// A client that is created again under an old name, on a machine whose clock is behind, gets tokens
// that are good.
func TestAClientMadeAnewByAClockThatIsBehind(t *testing.T) {
	o := newOffice(t)
	o.serves(15 * time.Minute)
	o.client(admin.NewClient{ID: "web"})
	o.clock = o.clock.Add(time.Hour)
	o.must(o.Clients.Delete(t.Context(), by, "web"))
	o.clock = o.clock.Add(-30 * time.Second)
	o.client(admin.NewClient{ID: "web"})
	anew, err := o.store.Client(t.Context(), "web")
	o.must(err)
	minted, err := o.minter().Mint(o.clock, tokens.Access{
		Subject: "web", ClientID: "web", Audience: []string{api}, Alg: "ES256", TTL: time.Minute, ClientNotBefore: anew.NotBefore, SubjectNotBefore: anew.NotBefore,
	})
	o.must(err)
	claims, err := (&tokens.Verifier{Issuer: self, Keys: o.Keys.Signing, Skew: time.Minute}).Verify(o.clock, minted.Token)
	o.must(err)
	for _, r := range o.revocations() {
		if claims.VoidedBy(r) {
			t.Errorf("the token of the new client is void by %+v", r)
		}
	}
}

// There are two concurrent administrators, one with a clock that is behind: tokens that were issued
// between the reading of a client and its deletion are void too.
func TestADeletionVoidsWhatItDidNotRead(t *testing.T) {
	o := newOffice(t)
	o.client(admin.NewClient{ID: "web"})
	o.clock = o.clock.Add(time.Hour)
	ahead := o.notBefore().Add(time.Minute)
	o.Clients.Store = quickerDeletion{o.store, func() {
		c, err := o.store.Client(t.Context(), "web")
		o.must(err)
		c.NotBefore = ahead
		o.must(o.store.UpdateClient(t.Context(), c, storetest.By()))
	}}
	o.must(o.Clients.Delete(t.Context(), by, "web"))
	if found := o.revocations(); len(found) != 1 || !found[0].Before.After(ahead) {
		t.Errorf("recorded %+v, and what was issued under %s is to be void", found, ahead)
	}
}

// quickerDeletion changes the row between the reading and the deletion.
type quickerDeletion struct {
	*sqlite.DB
	meanwhile func()
}

func (q quickerDeletion) DeleteClient(ctx context.Context, id string, by store.Change) error {
	q.meanwhile()
	return q.DB.DeleteClient(ctx, id, by)
}
