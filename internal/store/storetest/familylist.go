package storetest

import (
	"context"
	"testing"

	"authserver/internal/store"
)

// familyList goes through the families of two users at two clients.
func familyList(t *testing.T, ctx context.Context, s store.Store) {
	first := withFamily(t, ctx, s)
	other := aUser("bob")
	other.ID = "b0b"
	ok(t, s.CreateUser(ctx, other, By()))
	made := []store.Family{first}
	for n := byte(2); n < 8; n++ {
		f := aFamily(n)
		if n%2 == 0 {
			f.UserID = other.ID
		}
		if n%3 == 0 {
			f.ClientID = "cli"
		}
		ok(t, s.CreateFamily(ctx, f))
		made = append(made, f)
	}
	for _, of := range []store.FamilyPage{
		{UserID: other.ID}, {UserID: first.UserID}, {ClientID: first.ClientID}, {ClientID: "cli"}, {UserID: other.ID, ClientID: "cli"}, {UserID: "nobody"},
	} {
		var want []store.Family
		for _, f := range made {
			if (of.UserID == "" || f.UserID == of.UserID) && (of.ClientID == "" || f.ClientID == of.ClientID) {
				want = append(want, f)
			}
		}
		for _, limit := range []int{1, 2, store.MaxPage} {
			var got []store.Family
			for page := of; ; {
				page.Limit = limit
				some := must[[]store.Family](t)(s.ListFamilies(ctx, page))
				got = append(got, some...)
				if len(some) < limit {
					break
				}
				page.After = some[len(some)-1].ID
			}
			same(t, got, want)
		}
	}
	for _, page := range []store.FamilyPage{{Limit: 1}, {UserID: "b0b"}, {UserID: "b0b", Limit: store.MaxPage + 1}} {
		if _, err := s.ListFamilies(ctx, page); err == nil {
			t.Errorf("the listing %+v was taken", page)
		}
	}
}
