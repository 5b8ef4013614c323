package admin_test

import (
	"testing"

	"authserver/internal/admin"
)

func TestTheDemoIsThereOnceAndLeftAlone(t *testing.T) {
	o := newOffice(t)
	o.must(o.Seed(t.Context(), by))
	c, err := o.Clients.Get(t.Context(), by, admin.DemoClient)
	o.must(err)
	if len(c.Grants) != 4 || len(c.Scopes) != 2 || c.Resources[0] != api || c.Public {
		t.Errorf("the client is %+v", c)
	}
	app, err := o.Clients.Get(t.Context(), by, admin.DemoPublicClient)
	o.must(err)
	if !app.Public || len(app.Grants) != 2 {
		t.Errorf("the public client is %+v", app)
	}
	u, err := o.Users.Get(t.Context(), by, admin.DemoUser)
	o.must(err)
	if len(u.Roles) != 1 || u.Roles[0] != "admin" {
		t.Errorf("the user is %+v", u)
	}
	i, err := o.Issuers.Get(t.Context(), by, admin.DemoIssuer)
	o.must(err)
	if i.RequireClientAuth || i.KeySource != "secret" {
		t.Errorf("the issuer is %+v", i)
	}
	_, _, err = o.Clients.Update(t.Context(), by, admin.DemoClient, admin.ClientInput{Name: ptr("mine")})
	o.must(err)
	o.must(o.Seed(t.Context(), by))
	if c, err = o.Clients.Get(t.Context(), by, admin.DemoClient); err != nil || c.Name != "mine" {
		t.Errorf("after another start the client is %+v, %v", c, err)
	}
}
