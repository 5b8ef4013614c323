package admin_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"authserver/internal/admin"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

const clusterIss = "https://kubernetes.default.svc.cluster.local"

// Only their keys distinguish registrations with the same iss. So no operation may give one of them
// a key of another.
func TestRegistrationsOfOneIssHaveKeysOfTheirOwn(t *testing.T) {
	ec, rs, other := newKey(t), rsaKey(t), newKey(t)
	at := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	jwks := func(keys ...any) admin.IssuerKeys { return admin.IssuerKeys{JWKS: set(t, "", keys...)} }
	certified := admin.IssuerKeys{Certificates: [][]byte{certificate(t, ec, at)}}
	shared := admin.IssuerKeys{Secret: []byte(secret)}
	uri := admin.IssuerKeys{JWKSURI: "https://k8s.example.com/openid/v1/jwks"}
	for _, c := range []struct {
		name          string
		first, second admin.IssuerKeys
		same          bool
	}{
		{"one key", jwks(ec.Public()), jwks(ec.Public()), true},
		{"a key among others", jwks(ec.Public(), rs.Public()), jwks(other.Public(), rs.Public()), true},
		{"other keys", jwks(ec.Public()), jwks(other.Public(), rs.Public()), false},
		{"a key and its certificate", jwks(ec.Public()), certified, true},
		{"a certificate of another key", jwks(other.Public()), certified, false},
		{"one secret", shared, shared, true},
		{"another secret", shared, admin.IssuerKeys{Secret: []byte(strings.Repeat("x", 32))}, false},
		{"one URL", uri, uri, true},
		{"another URL", uri, admin.IssuerKeys{JWKSURI: "https://k8s.example.net/openid/v1/jwks"}, false},
		{"the metadata of the iss", admin.IssuerKeys{Discovery: true}, admin.IssuerKeys{Discovery: true}, true},
		{"the metadata and a URL", admin.IssuerKeys{Discovery: true}, uri, false},
		{"keys of other kinds", shared, jwks(ec.Public()), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			create := func(id string, keys admin.IssuerKeys) error {
				_, _, err := o.Issuers.Create(t.Context(), by, admin.NewIssuer{ID: id, Iss: clusterIss, IssuerInput: admin.IssuerInput{Keys: keys, Disabled: ptr(true)}})
				return err
			}
			o.must(create("cluster-a", c.first))
			created := create("cluster-b", c.second)
			if !c.same {
				o.must(created)
				return
			}
			wantFaults(t, created, `"cluster-a"`, "same iss")
			o.must(create("cluster-b", admin.IssuerKeys{Secret: []byte("a secret that no other one has, here")}))
			_, _, err := o.Issuers.Update(t.Context(), by, "cluster-b", admin.IssuerInput{Keys: c.second})
			wantFaults(t, err, `"cluster-a"`)
			// A registration may have its own keys again, and keys of another iss.
			_, _, err = o.Issuers.Update(t.Context(), by, "cluster-a", admin.IssuerInput{Keys: c.first, Scopes: []string{"read"}})
			o.must(err)
			_, _, err = o.Issuers.Create(t.Context(), by, admin.NewIssuer{Iss: "https://another.example", IssuerInput: admin.IssuerInput{Keys: c.first}})
			o.must(err)
		})
	}
}

func TestARegistrationHasAnIDOfItsOwn(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	create := func(id, key string) error {
		_, _, err := o.Issuers.Create(ctx, by, admin.NewIssuer{ID: id, Iss: clusterIss, IssuerInput: admin.IssuerInput{
			Keys: admin.IssuerKeys{Secret: []byte(strings.Repeat(key, 32))}, Audiences: []string{"sts", "https://a b", "sts"},
		}})
		return err
	}
	o.must(create("cluster-a", "a"))
	o.must(create("", "b"))
	if err := create("cluster-a", "c"); !errors.Is(err, store.ErrExists) || !strings.Contains(err.Error(), "an id of its own") {
		t.Errorf("created twice: %v", err)
	}
	shown, err := o.Issuers.Get(ctx, by, "cluster-a")
	o.must(err)
	if shown.ID != "cluster-a" || shown.Iss != clusterIss || len(shown.Audiences) != 2 {
		t.Errorf("it is shown as %+v", shown)
	}
	shown, _, err = o.Issuers.Update(ctx, by, "cluster-a", admin.IssuerInput{Audiences: []string{}, AllowRepeat: ptr(true)})
	o.must(err)
	if len(shown.Audiences) > 0 || !shown.AllowRepeat || shown.Iss != clusterIss {
		t.Errorf("it is %+v", shown)
	}
	byIss, err := o.Issuers.Get(ctx, by, clusterIss)
	o.must(err)
	if byIss.ID != clusterIss {
		t.Errorf("under its iss there is %+v", byIss)
	}
	o.must(o.Issuers.Delete(ctx, by, clusterIss))
	_, err = o.Issuers.Get(ctx, by, "cluster-a")
	o.must(err)
	for name, n := range map[string]admin.NewIssuer{
		"this server as its id":      {ID: self, Iss: idp},
		"an id with a line break":    {ID: "a\nb", Iss: idp},
		"an id that is too long":     {ID: strings.Repeat("a", 1025), Iss: idp},
		"an audience with a control": {Iss: idp, IssuerInput: admin.IssuerInput{Audiences: []string{"a\x00"}}},
	} {
		t.Run(name, func(t *testing.T) {
			n.Keys = admin.IssuerKeys{Secret: []byte(secret)}
			_, _, err := o.Issuers.Create(ctx, by, n)
			wantFaults(t, err)
		})
	}
}

// token inspect finds the registration of an assertion as a server does.
func TestInspectionFindsTheRegistrationByItsKey(t *testing.T) {
	o := newOffice(t)
	o.user("alice")
	keyOf := func(id string) []byte { return []byte(strings.Repeat(id[len(id)-1:], 32)) }
	for _, id := range []string{"cluster-a", "cluster-b"} {
		_, _, err := o.Issuers.Create(t.Context(), by, admin.NewIssuer{ID: id, Iss: idp, IssuerInput: admin.IssuerInput{Keys: admin.IssuerKeys{Secret: keyOf(id)}}})
		o.must(err)
	}
	sign := func(secret []byte) string {
		n := assertionOf()
		n.Key.Key = secret
		return o.sign(n)
	}
	i, err := o.Tokens.Inspect(t.Context(), by, sign(keyOf("cluster-b")), true)
	o.must(err)
	if !i.Good || !strings.Contains(reasons(i), `the registration "cluster-b"`) {
		t.Errorf("good is %v: %q", i.Good, reasons(i))
	}
	i, err = o.Tokens.Inspect(t.Context(), by, sign([]byte(secret)), true)
	o.must(err)
	if i.Good || !strings.Contains(reasons(i), "cluster-a, cluster-b") {
		t.Errorf("good is %v: %q", i.Good, reasons(i))
	}
	_, _, err = o.Issuers.Update(t.Context(), by, "cluster-b", admin.IssuerInput{Disabled: ptr(true)})
	o.must(err)
	i, err = o.Tokens.Inspect(t.Context(), by, sign(keyOf("cluster-b")), false)
	o.must(err)
	if i.Good {
		t.Errorf("good is %v: %q", i.Good, reasons(i))
	}
}

func TestAClientsAssertionsMayComeAgainWhereItHasTheGrant(t *testing.T) {
	o := newOffice(t)
	_, _, err := o.Clients.Create(t.Context(), by, admin.NewClient{ID: "web", ClientInput: admin.ClientInput{AllowRepeat: ptr(true)}})
	wantFault(t, err, "allow_repeat", admin.CodeConflict, "jwt-bearer to grants")
	c := o.client(admin.NewClient{ID: "web", ClientInput: admin.ClientInput{AllowRepeat: ptr(true), Grants: []oauth.GrantType{oauth.JWTBearer}}})
	if !c.AllowRepeat {
		t.Error("it is not shown")
	}
	_, _, err = o.Clients.Update(t.Context(), by, "web", admin.ClientInput{Grants: []oauth.GrantType{"password"}})
	wantFault(t, err, "allow_repeat", admin.CodeConflict, "set it to false")
	_, _, err = o.Clients.Update(t.Context(), by, "web", admin.ClientInput{Grants: []oauth.GrantType{"password"}, AllowRepeat: ptr(false)})
	o.must(err)
}

// Concurrent commands cannot do it either: the comparison and the write are one step.
func TestRacingRegistrationsHaveKeysOfTheirOwn(t *testing.T) {
	race := func(t *testing.T, keys func() admin.IssuerKeys) (taken int, refused []error) {
		o := newOffice(t)
		inputs := make([]admin.NewIssuer, 12)
		for n := range inputs {
			inputs[n] = admin.NewIssuer{
				ID: fmt.Sprintf("cluster-%02d", n), Iss: clusterIss, IssuerInput: admin.IssuerInput{Keys: keys(), Disabled: ptr(true)},
			}
		}
		errs := make([]error, len(inputs))
		var commands sync.WaitGroup
		for n, input := range inputs {
			commands.Go(func() { _, _, errs[n] = o.Issuers.Create(t.Context(), by, input) })
		}
		commands.Wait()
		for _, err := range errs {
			if err == nil {
				taken++
			} else {
				refused = append(refused, err)
			}
		}
		return taken, refused
	}
	t.Run("with one key", func(t *testing.T) {
		key := newKey(t)
		taken, refused := race(t, func() admin.IssuerKeys { return admin.IssuerKeys{JWKS: set(t, "", key.Public())} })
		if taken != 1 {
			t.Errorf("%d registrations have the key", taken)
		}
		for _, err := range refused {
			wantFaults(t, err, "same iss")
		}
	})
	t.Run("each with a key of its own", func(t *testing.T) {
		_, refused := race(t, func() admin.IssuerKeys { return admin.IssuerKeys{JWKS: set(t, "", newKey(t).Public())} })
		if refused != nil {
			t.Errorf("refused: %v", refused)
		}
	})
}
