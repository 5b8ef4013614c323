package storetest

import (
	"context"
	"testing"

	"authserver/internal/store"
)

// listSearch: a listing has the rows with a text in one of their names, in upper or lower case of
// ASCII, and returns them in pages like the whole list.
func listSearch(t *testing.T, ctx context.Context, s store.Store) {
	for _, id := range []string{"shop", "web-Shop", "other"} {
		c := aClient(id)
		c.Name = map[string]string{"other": "Die Läden, 100 % SHOP_1"}[id]
		ok(t, s.CreateClient(ctx, c, By()))
		r := aResource("urn:" + id)
		r.Name = c.Name
		ok(t, s.CreateResource(ctx, r, By()))
		ok(t, s.CreateIssuer(ctx, anIssuer("https://"+id), By()))
	}
	named := anIssuer("cluster")
	named.Iss = "https://SHOPS.example"
	ok(t, s.CreateIssuer(ctx, named, By()))
	for i, u := range []store.User{
		{Username: "alice", Email: "a@shop.example"}, {Username: "bob", UPN: "bob@shop.example"}, {Username: "shopkeeper"}, {Username: "dora", Email: "d@example"},
	} {
		user := aUser(u.Username)
		user.ID, user.Username, user.Email, user.UPN = "id-"+string(rune('0'+i)), u.Username, u.Email, u.UPN
		ok(t, s.CreateUser(ctx, user, By()))
	}
	for text, want := range map[string][3][]string{
		"sHoP":  {{"other", "shop", "web-Shop"}, {"cluster", "https://shop", "https://web-Shop"}, {"alice", "bob", "shopkeeper"}},
		"%":     {{"other"}, nil, nil},
		"p_1":   {{"other"}, nil, nil},
		"Läden": {{"other"}, nil, nil},
		"id-3":  {nil, nil, {"dora"}},
		"none'": {nil, nil, nil},
	} {
		page := store.Page{Search: text, Limit: 10}
		var clients, resources, issuers, users []string
		for _, c := range must[[]store.Client](t)(s.ListClients(ctx, page)) {
			clients = append(clients, c.ID)
		}
		for _, r := range must[[]store.Resource](t)(s.ListResources(ctx, page)) {
			resources = append(resources, r.ID[len("urn:"):])
		}
		for _, i := range must[[]store.Issuer](t)(s.ListIssuers(ctx, page)) {
			issuers = append(issuers, i.ID)
		}
		for _, u := range must[[]store.User](t)(s.ListUsers(ctx, page)) {
			users = append(users, u.Username)
		}
		same(t, [4][]string{clients, resources, issuers, users}, [4][]string{want[0], want[0], want[1], want[2]})
	}
	first := must[[]store.User](t)(s.ListUsers(ctx, store.Page{Search: "shop", Limit: 2}))
	rest := must[[]store.User](t)(s.ListUsers(ctx, store.Page{Search: "shop", After: first[1].Username, Limit: 2}))
	if len(rest) != 1 || rest[0].Username != "shopkeeper" {
		t.Errorf("the second page has %v", rest)
	}
}
