package admin_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"authserver/internal/admin"
	"authserver/internal/store"
)

// RFC 9068 §5: a name in "sub" or "client_id" has only one meaning, whichever operation created it.
func TestNamesInTokensAreOfOne(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	shared := admin.IssuerKeys{Secret: []byte(strings.Repeat("s", 32))}
	alice := o.user("alice")
	o.client(admin.NewClient{ID: "web"})
	_, _, err := o.Issuers.Create(ctx, by, admin.NewIssuer{Iss: idp, IssuerInput: admin.IssuerInput{Keys: shared}})
	o.must(err)
	_, _, err = o.Issuers.Create(ctx, by, admin.NewIssuer{Iss: "web", IssuerInput: admin.IssuerInput{Keys: shared, ClientID: ptr("web")}})
	o.must(err)

	for name, do := range map[string]func() error{
		"a client under a user's id": func() error {
			_, _, err := o.Clients.Create(ctx, by, admin.NewClient{ID: alice.ID})
			return err
		},
		"a client under the id of an issuer without a client": func() error {
			_, _, err := o.Clients.Create(ctx, by, admin.NewClient{ID: idp})
			return err
		},
		"a client under this server's identifier": func() error {
			_, _, err := o.Clients.Create(ctx, by, admin.NewClient{ID: self})
			return err
		},
		"an issuer without a client under a user's id": func() error {
			_, _, err := o.Issuers.Create(ctx, by, admin.NewIssuer{Iss: alice.ID, IssuerInput: admin.IssuerInput{Keys: shared}})
			return err
		},
		"an issuer that is told to have no client, under a client's id": func() error {
			_, _, err := o.Issuers.Update(ctx, by, "web", admin.IssuerInput{ClientID: ptr("")})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { wantFaults(t, do()) })
	}
	_, _, err = o.Issuers.Create(ctx, by, admin.NewIssuer{Iss: "api", IssuerInput: admin.IssuerInput{Keys: shared}})
	o.must(err)
	_, _, err = o.Clients.Create(ctx, by, admin.NewClient{ID: "api"})
	wantFaults(t, err, "client_id: api", "issuer")
	_, _, err = o.Issuers.Update(ctx, by, "api", admin.IssuerInput{ClientID: ptr("web")})
	o.must(err)
	o.client(admin.NewClient{ID: "api"})

	t.Run("a user whose id is made as a client is called", func(t *testing.T) {
		made := uuid.MustParse("7d444840-9dc0-4d2e-8f8c-0123456789ab")
		o.client(admin.NewClient{ID: made.String()})
		o.Rand = bytes.NewReader(made[:])
		name := "bob"
		_, err := o.Users.Create(ctx, by, admin.UserInput{Username: &name, Password: ptr("curiouser-and-curiouser")})
		if !errors.Is(err, store.ErrNameTaken) {
			t.Errorf("got %v", err)
		}
	})
}
