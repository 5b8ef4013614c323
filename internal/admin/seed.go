package admin

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"authserver/internal/oauth"
	"authserver/internal/passwords"
	"authserver/internal/store"
)

// The demo of `authserver dev`.
const (
	DemoResource     = "https://api.example.com"
	DemoClient       = "demo"
	DemoSecret       = "demo-secret"
	DemoPublicClient = "demo-public"
	DemoWebClient    = "demo-web"                   // a public one, to which people sign in
	DemoWebHome      = "http://127.0.0.1:8080/demo" // the start page of its users, and the page after a logout
	DemoAppClient    = "demo-app"                   // a confidential one, with DemoSecret
	DemoUser         = "alice"
	DemoPassword     = "wonderland"
	DemoIssuer       = "https://issuer.example.com"
	DemoIssuerSecret = "demo-issuer-secret-of-32-bytes-min!"
)

// Seed registers the demo. Existing registrations stay as they are.
func (a *Admin) Seed(ctx context.Context, by Call) error {
	_, err := a.Resources.Get(ctx, by, DemoResource)
	if err := seed(ctx, by, err, a.seedResource); err != nil {
		return err
	}
	// Concurrently, because bcrypt takes time and a developer waits for the server.
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		_, err := a.Clients.Get(ctx, by, DemoClient)
		return seed(ctx, by, err, a.seedClient)
	})
	group.Go(func() error {
		_, err := a.Clients.Get(ctx, by, DemoPublicClient)
		return seed(ctx, by, err, a.seedPublicClient)
	})
	group.Go(func() error {
		_, err := a.Clients.Get(ctx, by, DemoWebClient)
		return seed(ctx, by, err, a.seedWebClient)
	})
	group.Go(func() error {
		_, err := a.Clients.Get(ctx, by, DemoAppClient)
		return seed(ctx, by, err, a.seedAppClient)
	})
	group.Go(func() error {
		_, err := a.Users.Named(ctx, by, DemoUser)
		return seed(ctx, by, err, a.seedUser)
	})
	group.Go(func() error {
		_, err := a.Issuers.Get(ctx, by, DemoIssuer)
		return seed(ctx, by, err, a.seedIssuer)
	})
	return group.Wait()
}

// seed registers a missing part. Concurrent starts register the same.
func seed(ctx context.Context, by Call, found error, register func(context.Context, Call) error) error {
	if !errors.Is(found, store.ErrNotFound) {
		return found
	}
	if err := register(ctx, by); err != nil && !errors.Is(err, store.ErrExists) {
		return err
	}
	return nil
}

func demoScopes() []string { return []string{"read", "write"} }

func (a *Admin) seedResource(ctx context.Context, by Call) error {
	_, _, err := a.Resources.Create(ctx, by, NewResource{ID: DemoResource, ResourceInput: ResourceInput{Scopes: demoScopes()}})
	return err
}

func (a *Admin) seedClient(ctx context.Context, by Call) error {
	_, _, err := a.Clients.Create(ctx, by, NewClient{ID: DemoClient, Secret: DemoSecret, ClientInput: ClientInput{
		Grants: []oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken, oauth.JWTBearer},
		Scopes: demoScopes(), Resources: []string{DemoResource},
	}})
	return err
}

func (a *Admin) seedPublicClient(ctx context.Context, by Call) error {
	_, _, err := a.Clients.Create(ctx, by, NewClient{ID: DemoPublicClient, ClientInput: ClientInput{
		AuthMethods: []oauth.AuthMethod{oauth.AuthNone}, Grants: []oauth.GrantType{oauth.Password, oauth.RefreshToken},
		Scopes: demoScopes(), Resources: []string{DemoResource},
	}})
	return err
}

func (a *Admin) seedWebClient(ctx context.Context, by Call) error {
	name := "Demo"
	_, _, err := a.Clients.Create(ctx, by, NewClient{ID: DemoWebClient, ClientInput: ClientInput{
		Name: &name, AuthMethods: []oauth.AuthMethod{oauth.AuthNone}, Grants: signInGrants(), Scopes: signInScopes(), Resources: []string{DemoResource},
		ClientSignInInput: ClientSignInInput{
			RedirectURIs:           []string{DemoWebHome + "/callback"},
			PostLogoutRedirectURIs: []string{DemoWebHome},
		},
	}})
	return err
}

func (a *Admin) seedAppClient(ctx context.Context, by Call) error {
	name := "Demo app"
	_, _, err := a.Clients.Create(ctx, by, NewClient{ID: DemoAppClient, Secret: DemoSecret, ClientInput: ClientInput{
		Name: &name, Grants: signInGrants(), Scopes: signInScopes(), Resources: []string{DemoResource},
		ClientSignInInput: ClientSignInInput{
			RedirectURIs:           []string{"http://127.0.0.1:8090/callback"},
			PostLogoutRedirectURIs: []string{"http://127.0.0.1:8090/"},
		},
	}})
	return err
}

func signInGrants() []oauth.GrantType {
	return []oauth.GrantType{oauth.AuthorizationCode, oauth.RefreshToken}
}

func signInScopes() []string {
	return append([]string{"openid", "profile", "email", "offline_access"}, demoScopes()...)
}

func (a *Admin) seedUser(ctx context.Context, by Call) error {
	username, password, email := DemoUser, DemoPassword, "alice@wonderland.example"
	name, given, family, verified := "Alice Liddell", "Alice", "Liddell", true
	users := *a.Users
	users.Policy = passwords.Policy{AllowCommon: true} // the password of the demo is public anyway
	_, err := users.Create(ctx, by, UserInput{
		Username: &username, Password: &password, Email: &email, Roles: []string{"admin"},
		UserProfileInput: UserProfileInput{Name: &name, GivenName: &given, FamilyName: &family, EmailVerified: &verified},
	})
	return err
}

// seedIssuer accepts its assertions without a client, so that they are easy to try.
func (a *Admin) seedIssuer(ctx context.Context, by Call) error {
	clientAuth := false
	_, _, err := a.Issuers.Create(ctx, by, NewIssuer{Iss: DemoIssuer, IssuerInput: IssuerInput{
		Keys:   IssuerKeys{Secret: []byte(DemoIssuerSecret)},
		Scopes: demoScopes(), Resources: []string{DemoResource}, RequireClientAuth: &clientAuth,
	}})
	return err
}
