package storetest

import (
	"context"
	"testing"
	"time"

	"authserver/internal/store"
)

func voidTests() []test {
	return []test{
		{"what is void is kept until the longest lifetime that a server promised is over", with(voidKept)},
		{"a token whose end is known is kept void until then", with(voidUntil)},
		{"a server that promises longer lifetimes meanwhile is known, or reads what changed", voidRace},
		{"a client or user made anew is not void, by whatever clock", with(voidMadeAnew)},
		{"a client is told apart from what bore its name before", with(voidCreated)},
		{"a deletion voids what the row had, whatever the caller knew", with(voidDeleted)},
	}
}

// voidings returns the ways in which something becomes void. Each takes the moment until which its
// tokens may be issued.
func voidings(t *testing.T, ctx context.Context, s store.Store) map[string]func(until store.Moment) (store.RevocationKind, string) {
	return map[string]func(store.Moment) (store.RevocationKind, string){
		"a revocation": func(until store.Moment) (store.RevocationKind, string) {
			ok(t, s.Revoke(ctx, store.Void{Kind: store.RevokedUser, Value: "x", Before: at(0), IssuedUntil: until}))
			return store.RevokedUser, "x"
		},
		"a creation of a client": func(until store.Moment) (store.RevocationKind, string) {
			v := voidsClient("new client", 0)
			v.IssuedUntil = until
			ok(t, s.CreateClient(ctx, aClient("new client"), Voiding(v)))
			return v.Kind, v.Value
		},
		"an update of a client": func(until store.Moment) (store.RevocationKind, string) {
			ok(t, s.CreateClient(ctx, aClient("updated client"), By()))
			v := voidsClient("updated client", 0)
			v.IssuedUntil = until
			ok(t, s.UpdateClient(ctx, aClient("updated client"), Voiding(v)))
			return v.Kind, v.Value
		},
		"a deletion of a client": func(until store.Moment) (store.RevocationKind, string) {
			ok(t, s.CreateClient(ctx, aClient("deleted client"), By()))
			v := voidsClient("deleted client", 0)
			v.IssuedUntil = until
			ok(t, s.DeleteClient(ctx, "deleted client", Voiding(v)))
			return v.Kind, v.Value
		},
		"an update of a user": func(until store.Moment) (store.RevocationKind, string) {
			ok(t, s.CreateUser(ctx, aUser("updated user"), By()))
			v := voidsUser("updated user", 0)
			v.IssuedUntil = until
			ok(t, s.UpdateUser(ctx, aUser("updated user"), Voiding(v)))
			return v.Kind, v.Value
		},
		"a deletion of a user": func(until store.Moment) (store.RevocationKind, string) {
			ok(t, s.CreateUser(ctx, aUser("deleted user"), By()))
			v := voidsUser("deleted user", 0)
			v.IssuedUntil = until
			ok(t, s.DeleteUser(ctx, "deleted user", Voiding(v)))
			return v.Kind, v.Value
		},
		"a revocation of a family": func(until store.Moment) (store.RevocationKind, string) {
			v := voidsFamily(store.FamilyID{9}, 0, "revoked")
			v.IssuedUntil = until
			ok(t, s.RevokeFamily(ctx, store.FamilyID{9}, Voiding(v)))
			return v.Kind, v.Value
		},
		"a reuse": func(until store.Moment) (store.RevocationKind, string) {
			f := withFamily(t, ctx, s)
			must[store.RotationResult](t)(s.Rotate(ctx, present(f, 2, 0)))
			late := present(f, 1, time.Minute)
			late.Voids.IssuedUntil = until
			same(t, must[store.RotationResult](t)(s.Rotate(ctx, late)).Outcome, store.Reused)
			return late.Voids.Kind, late.Voids.Value
		},
	}
}

// keptUntil returns how long the revocation is kept.
func keptUntil(t *testing.T, ctx context.Context, s store.Store, kind store.RevocationKind, value string) store.Moment {
	t.Helper()
	for _, r := range recorded(t, ctx, s) {
		if r.Kind == kind && r.Value == value {
			return r.ExpiresAt
		}
	}
	t.Fatalf("no revocation of %s %s", kind, value)
	return store.Moment{}
}

func voidKept(t *testing.T, ctx context.Context, s store.Store) {
	for server, l := range map[string]store.Lifetimes{
		"short":   {MaxTokenTTL: time.Minute, ClockSkew: 3 * time.Second, KeptUntil: at(time.Hour)},
		"long":    {MaxTokenTTL: 15 * time.Minute, ClockSkew: time.Second, KeptUntil: at(time.Hour)},
		"stopped": {MaxTokenTTL: 20 * time.Hour, KeptUntil: at(-time.Hour)}, // its tokens are still valid
	} {
		l.Server, l.RotationInterval, l.PollInterval = server, time.Hour, time.Second
		ok(t, s.PromiseLifetimes(ctx, l, at(0)))
	}
	for how, void := range voidings(t, ctx, s) {
		kind, value := void(at(2 * time.Minute))
		// The end is by the clock of a server that is ahead, and of a sweep that is further ahead.
		want := at(2 * time.Minute).Add(20*time.Hour + 2*3*time.Second)
		if got := keptUntil(t, ctx, s, kind, value); !got.Equal(want) {
			t.Errorf("%s is kept until %s, want %s", how, got, want)
		}
	}
}

func voidUntil(t *testing.T, ctx context.Context, s store.Store) {
	l := lifetimes("a", time.Minute, time.Hour)
	ok(t, s.PromiseLifetimes(ctx, l, at(0)))
	ok(t, s.Revoke(ctx, aVoid("1", time.Minute)))
	same(t, keptUntil(t, ctx, s, store.RevokedToken, "1"), at(time.Minute))
}

// Either the transaction that voids knows the promise, or the server that promised finds the change
// before it serves.
func voidRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	other := open()
	for round := range 20 {
		id := string(rune('a' + round))
		ok(t, one.CreateUser(ctx, aUser(id), By()))
		l := lifetimes(id, time.Minute, time.Hour)
		l.MaxTokenTTL = time.Duration(round+1) * time.Hour
		there := false
		errs := concurrently(2, func(i int) error {
			if i == 0 {
				return one.DeleteUser(ctx, id, Voiding(voidsUser(id, 0)))
			}
			if err := other.PromiseLifetimes(ctx, l, at(0)); err != nil {
				return err
			}
			_, err := other.User(ctx, id)
			there = err == nil
			return nil
		})
		for _, err := range errs {
			ok(t, err)
		}
		if got := keptUntil(t, ctx, one, store.RevokedUser, id); there && got.Before(at(time.Hour).Add(l.MaxTokenTTL)) {
			t.Fatalf("a server that reads the user once it has promised may issue a token that is void no longer from %s on", got)
		}
	}
}

func voidMadeAnew(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	ok(t, s.DeleteClient(ctx, "web", Voiding(voidsClient("web", time.Minute)))) // by a clock that is ahead
	ok(t, s.CreateClient(ctx, aClient("web"), By()))
	ok(t, s.DeleteUser(ctx, "alice", Voiding(voidsUser("alice", time.Minute))))
	ok(t, s.CreateUser(ctx, aUser("alice"), By()))
	same(t, must[store.Client](t)(s.Client(ctx, "web")).NotBefore, at(time.Minute))
	same(t, must[store.User](t)(s.User(ctx, "alice")).NotBefore, at(time.Minute))

	// The sweep does not remove the families of the new client.
	f.ClientNotBefore, f.UserNotBefore = at(time.Minute), at(time.Minute)
	ok(t, s.CreateFamily(ctx, f))
	must[int](t)(s.Sweep(ctx, at(0), 100))
	same(t, isThere(t, ctx, s, f.ID), true)

	// A forgotten revocation is not needed, because the remaining families have the moment.
	ok(t, s.DeleteClient(ctx, "web", Voiding(voidsClient("web", 2*time.Minute))))
	for must[int](t)(s.Sweep(ctx, at(1000*time.Hour), 100)) > 0 {
		continue
	}
	ok(t, s.CreateClient(ctx, aClient("web"), By()))
	same(t, must[store.Client](t)(s.Client(ctx, "web")).NotBefore, at(0))

	// A client gets the name of a deleted user, and a user gets that of a deleted client.
	ok(t, s.DeleteClient(ctx, "web", Voiding(voidsClient("web", 0))))
	ok(t, s.CreateUser(ctx, aUser("web"), By()))
	ok(t, s.DeleteUser(ctx, "web", Voiding(voidsUser("web", 3*time.Minute))))
	ok(t, s.CreateClient(ctx, aClient("web"), By()))
	same(t, must[store.Client](t)(s.Client(ctx, "web")).NotBefore, at(3*time.Minute))

	// A later clock does not move back.
	ok(t, s.DeleteClient(ctx, "web", Voiding(voidsClient("web", 4*time.Minute))))
	late := aUser("web")
	late.NotBefore = at(time.Hour)
	ok(t, s.CreateUser(ctx, late, By()))
	same(t, must[store.User](t)(s.User(ctx, "web")), late)
}

func voidCreated(t *testing.T, ctx context.Context, s store.Store) {
	v := voidsClient("web", time.Hour) // the engine ignores the moment of the caller
	ok(t, s.CreateClient(ctx, aClient("web"), Voiding(v)))
	created := must[store.Client](t)(s.Client(ctx, "web"))
	same(t, created.NotBefore, at(0))
	found := recorded(t, ctx, s)
	if len(found) != 1 || found[0].Kind != store.RevokedClient || found[0].Value != "web" || !found[0].Before.Equal(created.NotBefore) {
		t.Errorf("recorded is %+v", found)
	}
	same(t, v, voidsClient("web", time.Hour))
	ok(t, s.DeleteClient(ctx, "web", Voiding(voidsClient("web", 2*time.Hour))))
	ok(t, s.CreateClient(ctx, aClient("web"), Voiding(v)))
	same(t, must[store.Client](t)(s.Client(ctx, "web")).NotBefore, at(2*time.Hour))
	same(t, recorded(t, ctx, s)[0].Before, at(2*time.Hour))
	wantErr(t, s.CreateClient(ctx, aClient("web"), Voiding(v)), store.ErrExists)
}

func voidDeleted(t *testing.T, ctx context.Context, s store.Store) {
	c, u := aClient("web"), aUser("alice")
	c.NotBefore, u.NotBefore = at(time.Hour), at(time.Hour)
	ok(t, s.CreateClient(ctx, c, By()))
	ok(t, s.CreateUser(ctx, u, By()))
	ok(t, s.DeleteClient(ctx, "web", Voiding(voidsClient("web", time.Minute))))
	ok(t, s.DeleteUser(ctx, "alice", Voiding(voidsUser("alice", time.Minute))))
	for _, r := range recorded(t, ctx, s) {
		if !r.Before.After(at(time.Hour)) {
			t.Errorf("tokens of %s %s from before it was deleted are good still", r.Kind, r.Value)
		}
	}
	same(t, len(recorded(t, ctx, s)), 2)
}
