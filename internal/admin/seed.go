package admin

import (
	"context"
	"errors"

	"authserver/internal/store"
)

// The demo, as `authserver dev` has it.
const (
	DemoResource     = "https://api.example.com"
	DemoClient       = "demo"
	DemoSecret       = "demo-secret" //nolint:gosec // G101: known to everybody, on purpose
	DemoPublicClient = "demo-public"
	DemoUser         = "alice"
	DemoPassword     = "wonderland"
	DemoIssuer       = "https://issuer.example.com"
	DemoIssuerSecret = "demo-issuer-secret-of-32-bytes-min!" //nolint:gosec // G101: known to everybody, on purpose
)

// Seed registers the demo. What is registered already stays as it is.
func (a *Admin) Seed(ctx context.Context) error {
	steps := []struct{ find, make func(context.Context) error }{
		{
			func(ctx context.Context) error { _, err := a.Store.Resource(ctx, DemoResource); return err },
			a.seedResource,
		},
		{
			func(ctx context.Context) error { _, err := a.Store.Client(ctx, DemoClient); return err },
			a.seedClient,
		},
		{
			func(ctx context.Context) error { _, err := a.Store.Client(ctx, DemoPublicClient); return err },
			a.seedPublicClient,
		},
		{
			func(ctx context.Context) error {
				_, err := a.Store.UserByName(ctx, store.ByUsername, DemoUser)
				return err
			},
			a.seedUser,
		},
		{
			func(ctx context.Context) error { _, err := a.Store.Issuer(ctx, DemoIssuer); return err },
			a.seedIssuer,
		},
	}
	for _, step := range steps {
		err := step.find(ctx)
		if errors.Is(err, store.ErrNotFound) {
			err = step.make(ctx)
		}
		// Several that start at once make the same.
		if err != nil && !errors.Is(err, store.ErrExists) {
			return err
		}
	}
	return nil
}

func demoScopes() []string { return []string{"read", "write"} }

func (a *Admin) seedResource(ctx context.Context) error {
	_, _, err := a.CreateResource(ctx, DemoResource, ResourceFields{Scopes: demoScopes()})
	return err
}

func (a *Admin) seedClient(ctx context.Context) error {
	_, _, err := a.CreateClient(ctx, NewClient{ID: DemoClient, Secret: DemoSecret, ClientFields: ClientFields{
		Grants: []string{"client_credentials", "password", "refresh_token", shortJWTBearer},
		Scopes: demoScopes(), Resources: []string{DemoResource},
	}})
	return err
}

func (a *Admin) seedPublicClient(ctx context.Context) error {
	_, _, err := a.CreateClient(ctx, NewClient{ID: DemoPublicClient, ClientFields: ClientFields{
		AuthMethods: []string{"none"}, Grants: []string{"password", "refresh_token"},
		Scopes: demoScopes(), Resources: []string{DemoResource},
	}})
	return err
}

func (a *Admin) seedUser(ctx context.Context) error {
	username, password := DemoUser, DemoPassword
	_, err := a.CreateUser(ctx, UserFields{Username: &username, Password: &password, Roles: []string{"admin"}})
	return err
}

// seedIssuer lets its assertions buy tokens without a client, so that they are
// easy to try.
func (a *Admin) seedIssuer(ctx context.Context) error {
	clientAuth := false
	_, _, err := a.CreateIssuer(ctx, DemoIssuer, IssuerFields{
		Keys:   IssuerKeys{Secret: []byte(DemoIssuerSecret)},
		Scopes: demoScopes(), Resources: []string{DemoResource}, RequireClientAuth: &clientAuth,
	})
	return err
}
