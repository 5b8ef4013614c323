package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"authserver/internal/store"
)

func nameTests() []test {
	return []test{
		{"a name is that of one client, user, or issuer without a client", with(nameOfOne)},
		{"an issuer with a client may be called as anything", with(nameOfAnIssuerWithAClient)},
		{"a name is free again when it is given up", with(nameGivenUp)},
		{"of many that take one name at once exactly one has it", nameRace},
		{"users of other names are made beside each other", nameBeside},
	}
}

// taker creates something with a name that appears in tokens.
type taker struct {
	noun string
	take func(ctx context.Context, s store.Store, name string) error
}

func takers() []taker {
	return []taker{
		{"a client", func(ctx context.Context, s store.Store, name string) error {
			return s.CreateClient(ctx, aClient(name), By())
		}},
		{"a user", func(ctx context.Context, s store.Store, name string) error {
			u := aUser(name)
			u.Username, u.Email, u.UPN = "user "+name, "", ""
			return s.CreateUser(ctx, u, By())
		}},
		{"an issuer", func(ctx context.Context, s store.Store, name string) error {
			i := anIssuer(name)
			i.ClientID = ""
			return s.CreateIssuer(ctx, i, By())
		}},
		{"an issuer that loses its client", func(ctx context.Context, s store.Store, name string) error {
			i := anIssuer(name)
			if err := s.CreateIssuer(ctx, i, By()); err != nil {
				return err
			}
			i.ClientID = ""
			return s.UpdateIssuer(ctx, i, By())
		}},
	}
}

func nameOfOne(t *testing.T, ctx context.Context, s store.Store) {
	for i, first := range takers() {
		for j, second := range takers() {
			name := fmt.Sprintf("name-%d-%d", i, j)
			ok(t, first.take(ctx, s, name))
			err := second.take(ctx, s, name)
			if i == j || i+j >= 5 { // two of one noun, which other tests have
				wantErr(t, err, store.ErrExists)
				continue
			}
			if !errors.Is(err, store.ErrNameTaken) || errors.Is(err, store.ErrExists) {
				t.Errorf("%s took the name of %s: %v", second.noun, first.noun, err)
			}
		}
	}
	ok(t, s.CreateClient(ctx, aClient("client"), By()))
	user := aUser("user")
	user.Username = "client" // a username is in no token
	ok(t, s.CreateUser(ctx, user, By()))
	ok(t, s.CreateIssuer(ctx, anIssuer("issuer"), By()))
	for name, want := range map[string]bool{"client": true, "user": true, "issuer": false, "Client": false, "nobody": false, "": false, "'\"\u2028": false} {
		same(t, must[bool](t)(s.SubjectTaken(ctx, name)), want)
	}
}

func nameOfAnIssuerWithAClient(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.CreateClient(ctx, aClient("fleet"), By()))
	fleet := anIssuer("fleet")
	ok(t, s.CreateIssuer(ctx, fleet, By()))
	fleet.Disabled = true
	ok(t, s.UpdateIssuer(ctx, fleet, By()))
	fleet.Version, fleet.ClientID = 2, ""
	wantErr(t, s.UpdateIssuer(ctx, fleet, By()), store.ErrNameTaken)
	same(t, must[store.Issuer](t)(s.Issuer(ctx, "fleet")).ClientID, "web")
}

func nameGivenUp(t *testing.T, ctx context.Context, s store.Store) {
	release := map[string]func(name string) error{
		"a client":  func(name string) error { return s.DeleteClient(ctx, name, Voiding(voidsClient(name, time.Hour))) },
		"a user":    func(name string) error { return s.DeleteUser(ctx, name, Voiding(voidsUser(name, time.Hour))) },
		"an issuer": func(name string) error { return s.DeleteIssuer(ctx, name, By()) },
	}
	for _, first := range takers()[:3] {
		for _, second := range takers()[:3] {
			ok(t, first.take(ctx, s, "name"))
			ok(t, release[first.noun]("name"))
			ok(t, second.take(ctx, s, "name"))
			ok(t, release[second.noun]("name"))
		}
	}
	lost := anIssuer("lost")
	lost.ClientID = ""
	ok(t, s.CreateIssuer(ctx, lost, By()))
	lost.ClientID = "web"
	ok(t, s.UpdateIssuer(ctx, lost, By()))
	ok(t, s.CreateClient(ctx, aClient("lost"), By()))
}

func nameRace(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open(), open()}
	for round := range 5 {
		name := fmt.Sprint("name-", round)
		results := concurrently(12, func(i int) error { return takers()[i%len(takers())].take(ctx, handles[i%len(handles)], name) })
		taken := 0
		for i, err := range results {
			switch {
			case err == nil:
				taken++
			case !errors.Is(err, store.ErrNameTaken) && !errors.Is(err, store.ErrExists) && !errors.Is(err, store.ErrConflict):
				t.Errorf("%s: %v", takers()[i%len(takers())].noun, err)
			}
		}
		same(t, taken, 1)
	}
}

func nameBeside(t *testing.T, open Open) {
	ctx, one := migrated(t, open)
	handles := []store.Store{one, open()}
	users := takers()[1]
	for _, err := range concurrently(50, func(i int) error { return users.take(ctx, handles[i%2], fmt.Sprint("user-", i)) }) {
		ok(t, err)
	}
}
