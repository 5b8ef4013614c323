package admin_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"golang.org/x/crypto/bcrypt"

	"authserver/internal/admin"
	"authserver/internal/store"
)

func TestTheJSONOfAUser(t *testing.T) {
	o := newOffice(t)
	u, err := o.Users.Create(t.Context(), by, admin.UserInput{
		Username: ptr("Älice"), Email: ptr("A@Example.com"), Password: ptr("curiouser-and-curiouser"), Roles: []string{"admin", "admin"},
	})
	o.must(err)
	if _, err := uuid.Parse(u.ID); err != nil {
		t.Errorf("the id %q is no UUID", u.ID)
	}
	want := `{"id":"` + u.ID + `","username":"älice","email":"a@example.com","upn":"","roles":["admin"],"permissions":[],"claims":{},"disabled":false,` +
		`"created_at":"2026-03-01T12:00:00.123456Z","updated_at":"2026-03-01T12:00:00.123456Z"}`
	if got := asJSON(t, u); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, who := range []string{u.ID, "älice", "ÄLICE"} {
		shown, err := o.Users.Get(t.Context(), by, who)
		o.must(err)
		if got := asJSON(t, shown); got != want {
			t.Errorf("%s is shown as\n%s\nwant\n%s", who, got, want)
		}
	}
	kept, err := o.store.User(t.Context(), u.ID)
	o.must(err)
	o.must(bcrypt.CompareHashAndPassword(kept.PasswordHash, []byte("curiouser-and-curiouser")))
}

func TestUsersAreRefused(t *testing.T) {
	password := ptr("curiouser-and-curiouser")
	for _, c := range []struct {
		name  string
		f     admin.UserInput
		field admin.Field
		code  admin.Code
		want  string
	}{
		{"without a username", admin.UserInput{Password: password}, "username", admin.CodeRequired, ""},
		{"without a password", admin.UserInput{Username: ptr("bob")}, "password", admin.CodeRequired, ""},
		{"with a space in the username", admin.UserInput{Username: ptr("b ob"), Password: password}, "username", admin.CodeInvalid, "RFC 8265"},
		{"with an empty username", admin.UserInput{Username: ptr(""), Password: password}, "username", admin.CodeInvalid, ""},
		{"with a malformed email", admin.UserInput{Username: ptr("bob"), Email: ptr("b b@x"), Password: password}, "email", admin.CodeInvalid, ""},
		{"with a malformed upn", admin.UserInput{Username: ptr("bob"), UPN: ptr("b b"), Password: password}, "upn", admin.CodeInvalid, ""},
		{"with a password of seven characters", admin.UserInput{Username: ptr("bob"), Password: ptr("1234567")}, "password", admin.CodeTooShort, "8 characters"},
		{"with a password of 1,025 bytes", admin.UserInput{Username: ptr("bob"), Password: ptr(strings.Repeat("x", 1025))}, "password", admin.CodeTooLong, "1024 bytes"},
		{"with a password of 513 umlauts, which are 1,026 bytes", admin.UserInput{Username: ptr("bob"), Password: ptr(strings.Repeat("ä", 513))}, "password", admin.CodeTooLong, "1024 bytes"},
		{"with a password that is common", admin.UserInput{Username: ptr("bob"), Password: ptr("wonderland")}, "password", admin.CodeInvalid, "100,000 most common"},
		{"with the username as the password", admin.UserInput{Username: ptr("bob.the.builder"), Password: ptr("Bob.The.Builder")}, "password", admin.CodeInvalid, "a name of the user"},
		{"with the email as the password", admin.UserInput{Username: ptr("bob"), Email: ptr("bob@example.com"), Password: ptr("bob@example.com")}, "password", admin.CodeInvalid, "a name of the user"},
		{"with a claim that is the server's own", admin.UserInput{Username: ptr("bob"), Password: password, Claims: map[string]any{"username": 1}}, "claims", admin.CodeInvalid, ""},
		{"with an empty role", admin.UserInput{Username: ptr("bob"), Password: password, Roles: []string{""}}, "roles[0]", admin.CodeInvalid, ""},
		{"with an empty permission", admin.UserInput{Username: ptr("bob"), Password: password, Permissions: []string{""}}, "permissions[0]", admin.CodeInvalid, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			_, err := o.Users.Create(t.Context(), by, c.f)
			wantFault(t, err, c.field, c.code, c.want)
			if c.f.Password != nil && strings.Contains(err.Error(), *c.f.Password) {
				t.Error("the error tells the password")
			}
		})
	}
}

func TestNamesAreUnique(t *testing.T) {
	o := newOffice(t)
	_, err := o.Users.Create(t.Context(), by, admin.UserInput{Username: ptr("bob"), Email: ptr("b@x.org"), Password: ptr("curiouser-and-curiouser")})
	o.must(err)
	for want, f := range map[string]admin.UserInput{
		`user "bob" exists already`:                {Username: ptr("BOB"), Password: ptr("curiouser-and-curiouser")},
		`email: "b@x.org" belongs to the user bob`: {Username: ptr("bobby"), Email: ptr("B@x.org"), Password: ptr("curiouser-and-curiouser")},
	} {
		if _, err := o.Users.Create(t.Context(), by, f); !errors.Is(err, store.ErrExists) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestAnUpdateOfAUserChangesWhatIsGivenAlone(t *testing.T) {
	o := newOffice(t)
	u, err := o.Users.Create(t.Context(), by, admin.UserInput{
		Username: ptr("bob"), Email: ptr("b@x.org"), UPN: ptr("bob@corp"), Password: ptr("curiouser-and-curiouser"), Roles: []string{"r"}, Permissions: []string{"p"},
	})
	o.must(err)
	before, err := o.store.User(t.Context(), u.ID)
	o.must(err)
	o.clock = o.clock.Add(time.Hour)
	_, err = o.Users.Update(t.Context(), by, "bob", admin.UserInput{Username: ptr("robert"), Email: ptr(""), Roles: []string{}})
	o.must(err)
	want := before
	want.Username, want.Email, want.Roles, want.Version, want.UpdatedAt = "robert", "", nil, 2, o.now()
	after, err := o.store.User(t.Context(), u.ID)
	o.must(err)
	if diff := cmp.Diff(want, after); diff != "" {
		t.Error(diff)
	}
	if found := o.revocations(); len(found) > 0 {
		t.Errorf("it revoked %v", found)
	}
}

func TestWhatVoidsTheTokensOfAUser(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(o *office, id string) error
		want   string // the reason of the revocation; "": nothing is void
	}{
		{"a new password does", func(o *office, id string) error {
			_, err := o.Users.Update(t.Context(), by, id, admin.UserInput{Password: ptr("looking-glass")})
			return err
		}, "password_changed"},
		{"disabling does", func(o *office, id string) error {
			_, err := o.Users.Update(t.Context(), by, id, admin.UserInput{Disabled: ptr(true)})
			return err
		}, "user_disabled"},
		{"deleting does", func(o *office, id string) error { return o.Users.Delete(t.Context(), by, id) }, "user_deleted"},
		{"enabling does not", func(o *office, id string) error {
			_, err := o.Users.Update(t.Context(), by, id, admin.UserInput{Disabled: ptr(false)})
			return err
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			u := o.user("bob")
			o.clock = o.clock.Add(time.Hour)
			o.serves(24 * time.Hour)
			o.must(c.change(o, u.ID))
			var want []store.Revocation
			if c.want != "" {
				want = []store.Revocation{{
					Kind: store.RevokedUser, Value: u.ID, Reason: c.want,
					Before: o.notBefore(), ExpiresAt: o.now().Add(24*time.Hour + issuing + 2*time.Minute),
				}}
			}
			if diff := cmp.Diff(want, o.revocations(), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			kept, err := o.store.User(t.Context(), u.ID)
			if err == nil && kept.NotBefore.Equal(o.notBefore()) != (c.want != "") {
				t.Errorf("the families begun before %s are void", kept.NotBefore)
			}
		})
	}
}

func TestAUserThatIsNotThere(t *testing.T) {
	o := newOffice(t)
	for _, who := range []string{"unknown", "no body", "8d7c1c2e-6b7e-4c0b-9d60-b5dd1b0ed7a8"} {
		_, showErr := o.Users.Get(t.Context(), by, who)
		_, updateErr := o.Users.Update(t.Context(), by, who, admin.UserInput{})
		for _, err := range []error{showErr, updateErr, o.Users.Delete(t.Context(), by, who)} {
			if !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "user list") {
				t.Errorf("%s: %v", who, err)
			}
		}
	}
}

func TestUsersAreListedByPage(t *testing.T) {
	o := newOffice(t)
	for _, name := range []string{"carol", "alice", "bob"} {
		o.user(name)
	}
	page, err := o.Users.List(t.Context(), by, admin.Page{Limit: 2})
	o.must(err)
	rest, err := o.Users.List(t.Context(), by, admin.Page{Limit: 2, After: page[1].Username})
	o.must(err)
	if len(rest) != 1 || page[0].Username+page[1].Username+rest[0].Username != "alicebobcarol" {
		t.Errorf("listed %v, %v", page, rest)
	}
}
