package admin_test

import (
	"strings"
	"testing"
	"time"

	"authserver/internal/admin"
)

// An update refuses what a creation refuses, with the same text, so that neither accepts a value
// that the other refuses.
func TestResourcesAreCheckedAlikeByBothDoors(t *testing.T) {
	for name, f := range map[string]admin.ResourceInput{
		"a scope that RFC 6749 does not allow":        {Scopes: []string{"a b"}},
		"an empty scope":                              {Scopes: []string{""}},
		"a lifetime of nothing":                       {AccessTokenTTL: ptr(time.Duration(0))},
		"a lifetime of fractions":                     {AccessTokenTTL: ptr(1500 * time.Millisecond)},
		"a lifetime longer than the longest":          {AccessTokenTTL: ptr(25 * time.Hour)},
		"an algorithm that no key has":                {SigningAlg: ptr("HS256")},
		"no algorithm":                                {SigningAlg: ptr("")},
		"a type of other JWTs":                        {TokenTyp: ptr("dpop+jwt")},
		"a claim that is the server's own":            {Claims: map[string]any{"aud": "x"}},
		"a claim of other JWTs":                       {Claims: map[string]any{"nonce": "x"}},
		"more claims than fit":                        {Claims: map[string]any{"x": strings.Repeat("x", 5000)}},
		"a name with a line break":                    {Name: ptr("a\nb")},
		"a name without end":                          {Name: ptr(strings.Repeat("n", 256))},
		"a key that is none":                          {EncryptionJWK: []byte("{}")},
		"a private key":                               {EncryptionJWK: []byte(`{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ","d":"AQ"}`)},
		"an encryption without a key":                 {EncryptionEnc: ptr("A256GCM")},
		"an encryption that is not known, and no key": {EncryptionEnc: ptr("A128CBC-HS256")},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			_, _, created := o.Resources.Create(t.Context(), by, admin.NewResource{ID: "urn:new", ResourceInput: f})
			wantFaults(t, created)
			o.resource()
			_, _, updated := o.Resources.Update(t.Context(), by, api, f)
			wantFaults(t, updated)
			if created.Error() != updated.Error() {
				t.Errorf("a creation is refused by %q, an update by %q", created, updated)
			}
		})
	}
	o := newOffice(t)
	_, _, err := o.Resources.Create(t.Context(), by, admin.NewResource{ID: self})
	o.must(err)
	_, _, err = o.Resources.Update(t.Context(), by, self, admin.ResourceInput{TokenTyp: ptr("JWT")})
	wantFault(t, err, "token_typ", admin.CodeConflict, "this server itself")
}

func TestUsersAreCheckedAlikeByBothDoors(t *testing.T) {
	alice := ""
	for name, fields := range map[string]func() admin.UserInput{
		"a space in the username":          func() admin.UserInput { return admin.UserInput{Username: ptr("b ob")} },
		"an empty username":                func() admin.UserInput { return admin.UserInput{Username: ptr("")} },
		"a username without end":           func() admin.UserInput { return admin.UserInput{Username: ptr(strings.Repeat("u", 321))} },
		"another user's id as a username":  func() admin.UserInput { return admin.UserInput{Username: &alice} },
		"it in capitals":                   func() admin.UserInput { return admin.UserInput{Username: ptr(strings.ToUpper(alice))} },
		"a malformed email":                func() admin.UserInput { return admin.UserInput{Email: ptr("b b@x")} },
		"a malformed upn":                  func() admin.UserInput { return admin.UserInput{UPN: ptr("b b")} },
		"a password of seven characters":   func() admin.UserInput { return admin.UserInput{Password: ptr("1234567")} },
		"an empty role":                    func() admin.UserInput { return admin.UserInput{Roles: []string{""}} },
		"a role with a line break":         func() admin.UserInput { return admin.UserInput{Roles: []string{"a\nb"}} },
		"an empty permission":              func() admin.UserInput { return admin.UserInput{Permissions: []string{""}} },
		"a claim that is the server's own": func() admin.UserInput { return admin.UserInput{Claims: map[string]any{"sub": "x"}} },
		"a claim of other JWTs":            func() admin.UserInput { return admin.UserInput{Claims: map[string]any{"at_hash": "x"}} },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			alice = o.user("alice").ID
			f := fields()
			whole := f
			if whole.Username == nil {
				whole.Username = ptr("bob")
			}
			if whole.Password == nil {
				whole.Password = ptr("curiouser-and-curiouser")
			}
			_, created := o.Users.Create(t.Context(), by, whole)
			wantFaults(t, created)
			o.user("carol")
			_, updated := o.Users.Update(t.Context(), by, "carol", f)
			wantFaults(t, updated)
			if created.Error() != updated.Error() {
				t.Errorf("a creation is refused by %q, an update by %q", created, updated)
			}
		})
	}
	// A username may be a UUID, for users from another system, and even the user's own id.
	o := newOffice(t)
	bob := o.user("0199a6f4-0000-7000-8000-000000000001")
	_, err := o.Users.Update(t.Context(), by, bob.ID, admin.UserInput{Username: &bob.ID})
	o.must(err)
}
