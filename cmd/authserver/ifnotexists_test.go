package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"authserver/internal/admin"
	"authserver/internal/store"
	"authserver/test/pgtest"
)

// Each of these stores is a real one. Just before it creates something, another command creates it.
type (
	racedClients struct {
		store.Clients
		store.ClientAdmin
		rival func()
	}
	racedUsers struct {
		store.UserAdmin
		rival func()
	}
	racedResources struct {
		store.Resources
		store.ResourceAdmin
		rival func()
	}
	racedIssuers struct {
		store.IssuerAdmin
		rival func()
	}
)

func (r racedClients) CreateClient(ctx context.Context, c store.Client, by store.Change) error {
	r.rival()
	return r.ClientAdmin.CreateClient(ctx, c, by)
}

func (r racedUsers) CreateUser(ctx context.Context, u store.User, by store.Change) error {
	r.rival()
	return r.UserAdmin.CreateUser(ctx, u, by)
}

func (r racedResources) CreateResource(ctx context.Context, res store.Resource, by store.Change) error {
	r.rival()
	return r.ResourceAdmin.CreateResource(ctx, res, by)
}

func (r racedIssuers) CreateIssuer(ctx context.Context, i store.Issuer, by store.Change, siblings ...store.Issuer) error {
	r.rival()
	return r.IssuerAdmin.CreateIssuer(ctx, i, by, siblings...)
}

// createRaced runs a create command while its rival is quicker.
func createRaced(p *process, run command, rival func()) error {
	switch c := run.(type) {
	case *clientCreate:
		return with(p, &c.NewClientSettings, func(a *admin.Admin) error {
			a.Clients.Store = racedClients{a.Clients.Store, a.Clients.Store, rival}
			return c.register(p, a, admin.NewClient{ID: c.ID, ShowSecret: p.once(c.Output)})
		})
	case *userCreate:
		input, err := c.input(p)
		if err != nil {
			return err
		}
		input.Username = &c.Username
		return with(p, &c.UserSettings, func(a *admin.Admin) error {
			a.Users.Rows = racedUsers{a.Users.Rows, rival}
			return c.register(p, a, input)
		})
	case *resourceCreate:
		return with(p, &c.NewResourceSettings, func(a *admin.Admin) error {
			a.Resources.Store = racedResources{a.Resources.Store, a.Resources.Store, rival}
			return c.register(p, a, admin.ResourceInput{})
		})
	case *issuerCreate:
		input, err := c.input(p)
		if err != nil {
			return err
		}
		return with(p, &c.NewIssuerSettings, func(a *admin.Admin) error {
			a.Issuers.Store = racedIssuers{a.Issuers.Store, rival}
			return c.register(p, a, input)
		})
	}
	return errors.New("the command creates nothing")
}

// Two commands create the same thing at the same moment. The second finds at the insertion what it
// did not find when it looked. It ends as if it had found it at once, and shows no secret.
func TestCreateIfNotExistsThatIsNotTheFirst(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("the-secret-of-an-issuer-32-bytes-long"), 0o600); err != nil {
		t.Fatal(err)
	}
	for engine, open := range map[string]func(t *testing.T) shop{"sqlite": newShop, "postgres": newPostgresShop} {
		for noun, args := range map[string]string{
			"client":   "client create --id shop",
			"user":     "user create --username Shop --password-stdin",
			"resource": "resource create --id shop",
			"issuer":   "issuer create --iss shop --secret-file " + secret,
		} {
			t.Run(noun+" on "+engine, func(t *testing.T) {
				t.Parallel()
				s := open(t)
				words := append(strings.Fields(args), "-o", "json")
				if code, stdout, stderr := s.raced(t, words); code != exitFailed || stdout != "" || !strings.Contains(stderr, "exists already") {
					t.Errorf("without --if-not-exists: exit code %d, output %q: %s", code, stdout, stderr)
				}
				s = open(t)
				words = append(words, "--if-not-exists")
				code, stdout, stderr := s.raced(t, words)
				var found, told bytes.Buffer
				want := run(append([]string{"authserver"}, words...), strings.NewReader("curiouser-and-curiouser"), &found, &told, s.environ)
				if want != exitDone || code != want || stdout != found.String() || stderr != told.String() {
					t.Errorf("exit code %d, output %q: %s\nwant exit code %d, output %q: %s", code, stdout, stderr, want, found.String(), told.String())
				}
			})
		}
	}
}

// A user's email address can be taken too, although there is no user with the username to show.
func TestCreateIfNotExistsDoesNotHideThatAnotherNameIsTaken(t *testing.T) {
	s := newShop(t)
	s.must("user", "create", "--username", "alice", "--email", "a@example.com", "--password-stdin")
	code, stderr := s.run(io.Discard, "user", "create", "--username", "bob", "--email", "a@example.com", "--password-stdin", "--if-not-exists")
	if code != exitFailed || !strings.Contains(stderr, `--email: "a@example.com" belongs to the user alice`) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func newPostgresShop(t *testing.T) shop {
	t.Helper()
	return shopOn(t, pgtest.URL(t))
}

// raced runs a create command, and the same command before it inserts.
func (s shop) raced(t *testing.T, words []string) (code int, stdout, stderr string) {
	t.Helper()
	parser, err := newParser(io.Discard, io.Discard, s.environ, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(words)
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	p := &process{
		ctx: t.Context(), name: "authserver", by: operator(), path: words[:2],
		stdin: strings.NewReader("curiouser-and-curiouser"), stdout: &printer{to: &out}, stderr: &errs, given: given(parsed),
	}
	failed := createRaced(p, parsed.Selected().Target.Addr().Interface().(command), func() { s.must(words...) })
	return fail(&errs, p.named(failed)), out.String(), errs.String()
}
