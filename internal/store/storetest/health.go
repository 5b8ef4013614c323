package storetest

import (
	"context"
	"testing"
	"time"

	"authserver/internal/store"
)

func healthTests() []test {
	return []test{
		{"a store that takes writes says so and changes nothing", with(healthy)},
		{"a call whose time is up says that the database is unavailable", with(outOfTime)},
		{"what a request costs is counted", with(metered)},
		{"a closed store fails", with(closed)},
		{"a name full of SQL is only a name", with(quoted)},
	}
}

func healthy(t *testing.T, ctx context.Context, s store.Store) {
	ok(t, s.CheckWritable(ctx))
	ok(t, s.CreateClient(ctx, aClient("web"), By()))
}

// metered requires that each call of a request makes one round trip.
func metered(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	other := f
	other.ID[0]++
	for what, call := range map[string]func() error{
		"read a client": func() error { _, err := s.Client(ctx, "web"); return err },
		"read a user":   func() error { _, err := s.UserByName(ctx, store.ByUsername, "name-of-alice"); return err },
		"add a family":  func() error { return s.CreateFamily(ctx, other) },
		"rotate":        func() error { _, err := s.Rotate(ctx, present(f, 1, time.Minute)); return err },
		"use up an assertion": func() error {
			return s.UseOnce(ctx, store.Use{Issuer: "urn:idp", ID: [32]byte{1}, ExpiresAt: at(time.Hour)})
		},
	} {
		before := s.RoundTrips()
		ok(t, call())
		if trips := s.RoundTrips() - before; trips != 1 {
			t.Errorf("%s: %d round trips", what, trips)
		}
	}
}

func outOfTime(t *testing.T, ctx context.Context, s store.Store) {
	f := withFamily(t, ctx, s)
	late, cancel := context.WithDeadline(ctx, time.Unix(0, 0))
	defer cancel()
	wantErr(t, s.CheckWritable(late), store.ErrUnavailable)
	_, err := s.Client(late, "web")
	wantErr(t, err, store.ErrUnavailable)
	_, err = s.ListUsers(late, store.Page{Limit: 10})
	wantErr(t, err, store.ErrUnavailable)
	_, err = s.Rotate(late, present(f, 1, time.Minute))
	wantErr(t, err, store.ErrUnavailable)
	wantErr(t, s.UseOnce(late, store.Use{Issuer: "urn:idp", ID: [32]byte{}, ExpiresAt: at(0)}), store.ErrUnavailable)
	_, _, err = s.RevocationsAfter(late, "", at(0), 10)
	wantErr(t, err, store.ErrUnavailable)
	same(t, must[store.Family](t)(s.Family(ctx, f.ID)), f)
}

func closed(t *testing.T, ctx context.Context, s store.Store) {
	s.Close()
	if _, err := s.Client(ctx, "web"); err == nil {
		t.Error("a closed store answered")
	}
	if err := s.CreateClient(ctx, aClient("web"), By()); err == nil {
		t.Error("a closed store took a client")
	}
}

func quoted(t *testing.T, ctx context.Context, s store.Store) {
	id := `'); DROP TABLE clients; --`
	ok(t, s.CreateClient(ctx, aClient(id), By()))
	same(t, must[store.Client](t)(s.Client(ctx, id)).ID, id)
	_, err := s.Client(ctx, "' OR ''='")
	wantErr(t, err, store.ErrNotFound)
}
