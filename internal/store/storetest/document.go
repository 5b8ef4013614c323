package storetest

import (
	"context"
	"strings"
	"testing"

	"authserver/internal/store"
)

// Documents checks that an engine reads documents strictly. exec runs a statement of SQL on the
// database of s.
func Documents(t *testing.T, ctx context.Context, s store.Store, exec func(statement string)) {
	ok(t, s.CreateClient(ctx, aClient("web"), By()))
	ok(t, s.CreateUser(ctx, aUser("alice"), By()))
	ok(t, s.CreateResource(ctx, aResource("api"), By()))
	ok(t, s.CreateIssuer(ctx, anIssuer("idp"), By()))
	for _, c := range []struct {
		table, id, document string
		read                func() error
	}{
		{"clients", "web", `{"dpop_bond": true}`, func() error { _, err := s.Client(ctx, "web"); return err }},
		{"clients", "web", `{"dpop_bound": "true"}`, func() error { _, err := s.ListClients(ctx, store.Page{Limit: 10}); return err }},
		{"clients", "web", `{"dpop_bound": null}`, func() error { _, err := s.Client(ctx, "web"); return err }},
		{"users", "alice", `{"role": ["admin"]}`, func() error { _, err := s.User(ctx, "alice"); return err }},
		{"users", "alice", `{"Roles": ["admin"]}`, func() error { _, err := s.UserByName(ctx, store.ByUsername, aUser("alice").Username); return err }},
		{"resources", "api", `{"signing_alg": "ES256", "scopes": "read"}`, func() error { _, err := s.Resource(ctx, "api"); return err }},
		{"issuers", "idp", `{"jwks": {}, "algorithms": ["RS256"], "subject_kind": "user", "pattern": []}`, func() error { _, err := s.IssuersOf(ctx, anIssuer("idp").Iss); return err }},
	} {
		exec("UPDATE " + c.table + " SET document = '" + c.document + "' WHERE id = '" + c.id + "'")
		err := c.read()
		if err == nil || !strings.Contains(err.Error(), `"`+c.id+`" of `+c.table) {
			t.Errorf("with %s: error %v, want one that names the row", c.document, err)
		}
	}
}
