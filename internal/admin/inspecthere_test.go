package admin_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"authserver/internal/admin"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// use records an assertion as a server does when it accepts one.
func (o *office) use(issuer, jti string) {
	o.t.Helper()
	o.must(o.store.UseOnce(o.t.Context(), store.Use{Issuer: "issuers/" + issuer, ID: sha256.Sum256([]byte("jti\x00" + jti)), ExpiresAt: o.now().Add(time.Hour)}))
}

// robot registers a client that signs with the shared secret.
func (o *office) robot(change func(*admin.NewClient)) {
	o.t.Helper()
	n := admin.NewClient{ID: "robot", Secret: secret, ClientInput: admin.ClientInput{AuthMethods: []oauth.AuthMethod{"client_secret_jwt"}}}
	if change != nil {
		change(&n)
	}
	o.client(n)
}

func (o *office) disable(user string) {
	o.t.Helper()
	_, err := o.Users.Update(o.t.Context(), by, user, admin.UserInput{Disabled: ptr(true)})
	o.must(err)
}

// These checks of the grant, or of the authentication of a client, are about more than the
// assertion itself.
func TestAssertionsAreHeldToWhatIsKnownHere(t *testing.T) {
	jwtBearer := func(users ...string) func(*admin.NewClient) {
		return func(n *admin.NewClient) {
			n.Grants, n.AssertUsers = []oauth.GrantType{oauth.JWTBearer}, users
		}
	}
	ofClient := func(n *admin.NewAssertion, subject string, proves bool) {
		n.Issuer, n.Subject, n.Client = "robot", subject, proves
	}
	for _, c := range []struct {
		name    string
		issuer  admin.IssuerInput
		prepare func(o *office, n *admin.NewAssertion)
		check   string // the check that fails; "": the assertion is good
		want    string // in the finding or in the change
	}{
		{"a user who is here", admin.IssuerInput{}, func(o *office, _ *admin.NewAssertion) { o.user("alice") }, "", ""},
		{"a user who is not", admin.IssuerInput{}, nil, "subject here", `not known here: it is "alice"`},
		{"a user who is disabled", admin.IssuerInput{}, func(o *office, _ *admin.NewAssertion) { o.user("alice"); o.disable("alice") }, "subject here", "user update disabled"},
		{"a user by another name than the claim is for", admin.IssuerInput{SubjectClaim: ptr("email")}, func(o *office, n *admin.NewAssertion) {
			o.user("alice")
			n.Claims = map[string]any{"email": "alice@example.com"}
		}, "subject here", "issuer update subject_claim"},
		{"a client that is here", admin.IssuerInput{Subject: ptr("client")}, func(o *office, _ *admin.NewAssertion) { o.client(admin.NewClient{ID: "alice"}) }, "", ""},
		{"a client that is not", admin.IssuerInput{Subject: ptr("client")}, func(o *office, _ *admin.NewAssertion) { o.user("alice") }, "subject here", "register the client"},
		{"a subject that only the issuer knows", admin.IssuerInput{Subject: ptr("any")}, func(o *office, _ *admin.NewAssertion) { o.user("alice") }, "", ""},
		{"the identifier of a user of this server", admin.IssuerInput{Subject: ptr("any")}, func(o *office, n *admin.NewAssertion) { n.Subject = o.user("alice").ID }, "subject here", "other names"},
		{"used before", admin.IssuerInput{}, func(o *office, n *admin.NewAssertion) {
			o.user("alice")
			n.Claims = map[string]any{"jti": "once"}
			o.use(idp, "once")
		}, "first use", "a jti of its own"},
		{"whose jti another issuer used", admin.IssuerInput{}, func(o *office, n *admin.NewAssertion) {
			o.user("alice")
			n.Claims = map[string]any{"jti": "once"}
			o.use("https://other.example.com", "once")
		}, "", ""},
		{"signed only, where it has to be encrypted", admin.IssuerInput{EncryptionAlg: ptr("ECDH-ES")}, func(o *office, _ *admin.NewAssertion) { o.user("alice") }, "encryption", "issuer update encryption_alg"},
		{"a client that proves itself", admin.IssuerInput{}, func(o *office, n *admin.NewAssertion) { o.robot(nil); ofClient(n, "robot", true) }, "", ""},
		{"a client that proves another", admin.IssuerInput{}, func(o *office, n *admin.NewAssertion) { o.robot(nil); ofClient(n, "alice", true) }, "subject here", "client_id"},
		{"a client for itself", admin.IssuerInput{}, func(o *office, n *admin.NewAssertion) { o.robot(jwtBearer()); ofClient(n, "robot", false) }, "", ""},
		{"a client for a user whom it may speak for", admin.IssuerInput{}, func(o *office, n *admin.NewAssertion) {
			o.user("alice")
			o.robot(jwtBearer("al*"))
			ofClient(n, "alice", false)
		}, "", ""},
		{"a client for another user", admin.IssuerInput{}, func(o *office, n *admin.NewAssertion) {
			o.user("alice")
			o.robot(jwtBearer("bob"))
			ofClient(n, "alice", false)
		}, "subject here", "client update assert_users"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			c.issuer.Keys = admin.IssuerKeys{Secret: []byte(secret)}
			_, _, err := o.Issuers.Create(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerInput: c.issuer})
			o.must(err)
			n := assertionOf()
			n.Key.Key = []byte(secret)
			if c.prepare != nil {
				c.prepare(o, &n)
			}
			assertion := o.sign(n)
			for range 2 { // inspecting uses nothing up
				o.explains(assertion, c.check, c.want)
			}
		})
	}
}

// explains requires one check to fail, or none for "", and the verdict to agree.
func (o *office) explains(assertion, check, want string) {
	o.t.Helper()
	i, err := o.Tokens.Inspect(o.t.Context(), by, assertion, true)
	o.must(err)
	if i.Good != (check == "") {
		o.t.Errorf("good is %v: %q", i.Good, reasons(i))
	}
	failed := ""
	for _, f := range i.Checks {
		if f.OK {
			continue
		}
		failed += string(f.Code)
		if !strings.Contains(f.Text.String()+f.Change.String(), want) || !strings.Contains(reasons(i), f.Text.String()) {
			o.t.Errorf("found %q, to change %q, because %q; want %q", f.Text, f.Change, reasons(i), want)
		}
	}
	if failed != check {
		o.t.Errorf("the checks %q fail, want %q", failed, check)
	}
}

// An assertion without jti has its own text as its name, unless its issuer may repeat its
// assertions.
func TestAnAssertionWithoutJTIThatWasUsed(t *testing.T) {
	for repeat, check := range map[bool]string{false: "first use", true: ""} {
		o := newOffice(t)
		o.user("alice")
		_, _, err := o.Issuers.Create(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerInput: admin.IssuerInput{Keys: admin.IssuerKeys{Secret: []byte(secret)}, AllowRepeat: &repeat}})
		o.must(err)
		n := assertionOf()
		n.Key.Key, n.Claims = []byte(secret), map[string]any{"jti": ""}
		assertion := o.sign(n)
		o.explains(assertion, "", "")
		input := assertion[:strings.LastIndexByte(assertion, '.')]
		o.must(o.store.UseOnce(t.Context(), store.Use{Issuer: "issuers/" + idp, ID: sha256.Sum256([]byte("assertion\x00" + input)), ExpiresAt: o.now().Add(time.Hour)}))
		o.explains(assertion, check, "")
	}
}

// Without the database there is no verdict.
func TestWithoutADatabaseNothingIsSaidOfAnAssertion(t *testing.T) {
	o := newOffice(t)
	_, _, err := o.Issuers.Create(t.Context(), by, admin.NewIssuer{Iss: idp, IssuerInput: admin.IssuerInput{Keys: admin.IssuerKeys{Secret: []byte(secret)}}})
	o.must(err)
	o.Tokens.Users = blind{o.store}
	n := assertionOf()
	n.Key.Key = []byte(secret)
	if i, err := o.Tokens.Inspect(t.Context(), by, o.sign(n), true); !errors.Is(err, store.ErrUnavailable) || i.Kind != "" {
		t.Errorf("inspected as %+v, %v", i, err)
	}
}

// blind finds no users: its database is gone.
type blind struct{ store.Users }

func (blind) UserByName(context.Context, store.NameKind, string) (store.User, error) {
	return store.User{}, store.ErrUnavailable
}
