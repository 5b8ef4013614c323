package main

import (
	"time"

	"authserver/internal/admin"
	"authserver/internal/keys/keyfiles"
	"authserver/internal/oauth"
)

type clientCommand struct {
	Create       clientCreate `cmd:"" help:"Register a client. This prints its secret, which cannot be shown again." example:"authserver client create --id shop --grant client_credentials --scope orders:read --resource https://orders.example.com"`
	List         clientList   `cmd:"" help:"List the clients." example:"authserver client list -o json"`
	Show         clientShow   `cmd:"" help:"Show a client." example:"authserver client show shop"`
	Update       clientUpdate `cmd:"" help:"Change a client: only the flags that you give. A repeated flag replaces the list; an empty value clears it." example:"authserver client update shop --scope orders:read --scope orders:write"`
	Delete       clientDelete `cmd:"" help:"Delete a client. Its tokens are void at once." example:"authserver client delete shop"`
	RotateSecret clientRotate `cmd:"" help:"Give a client a new secret. This prints the secret, which cannot be shown again." example:"authserver client rotate-secret shop --overlap 24h"`
}

// ClientFlags are the properties of a client.
type ClientFlags struct {
	Name             *string        `help:"Name for people."`
	Grant            []string       `field:"grants" sep:"none" help:"Grant: authorization_code, client_credentials, password, refresh_token, jwt-bearer or token-exchange. Repeats."`
	Scope            []string       `field:"scopes" sep:"none" help:"Scope that it may ask for. Repeats."`
	DefaultScope     []string       `field:"default_scopes" sep:"none" placeholder:"SCOPE" help:"Scope if the request has none; the default is all of --scope. Repeats."`
	Resource         []string       `field:"resources" sep:"none" placeholder:"RESOURCE" help:"Resource that it may ask for; the first is the default. Repeats."`
	Serves           []string       `sep:"none" placeholder:"RESOURCE" help:"Resource whose tokens it may introspect, because it is that API. Repeats."`
	Role             []string       `field:"roles" group:"Tokens" sep:"none" help:"Role in tokens for the client itself. Repeats."`
	Permission       []string       `field:"permissions" group:"Tokens" sep:"none" help:"Permission in tokens for the client itself. Repeats."`
	Claim            []string       `field:"claims" group:"Tokens" sep:"none" placeholder:"NAME=VALUE" help:"Custom claim of its tokens, with a value in JSON or a string. Repeats."`
	AuthMethod       []string       `field:"auth_methods" group:"Authentication" sep:"none" placeholder:"METHOD" help:"Authentication: client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth, self_signed_tls_client_auth or none. The default is Basic or post. Repeats."`
	JWKSFile         *string        `field:"jwks" group:"Authentication" name:"jwks-file" placeholder:"FILE" help:"JWK Set with its public keys, for private_key_jwt. Empty removes it."`
	JWKSURI          *string        `group:"Authentication" name:"jwks-uri" placeholder:"URL" help:"https URL of that JWK Set, instead of a file. Empty removes it."`
	CertificateFile  []string       `field:"certificates" group:"Authentication" sep:"none" placeholder:"FILE" help:"Certificates in PEM, for private_key_jwt or self_signed_tls_client_auth. Repeats."`
	TLSSubjectDN     *string        `field:"tls_subject" group:"Authentication" name:"tls-subject-dn" xor:"tls-subject" placeholder:"NAME" help:"Subject of its certificate for tls_client_auth, such as CN=batch,O=Example (RFC 4514)."`
	TLSSanDNS        *string        `field:"tls_subject" group:"Authentication" name:"tls-san-dns" xor:"tls-subject" placeholder:"HOST" help:"Or an alternative name of the certificate: a host."`
	TLSSanURI        *string        `field:"tls_subject" group:"Authentication" name:"tls-san-uri" xor:"tls-subject" placeholder:"URI" help:"Or a URI, such as a SPIFFE ID."`
	TLSSanIP         *string        `field:"tls_subject" group:"Authentication" name:"tls-san-ip" xor:"tls-subject" placeholder:"ADDRESS" help:"Or an IP address."`
	TLSSanEmail      *string        `field:"tls_subject" group:"Authentication" name:"tls-san-email" xor:"tls-subject" placeholder:"ADDRESS" help:"Or an e-mail address."`
	TLSBound         *bool          `group:"Tokens" name:"tls-bound" negatable:"" help:"Always bind its access tokens to its TLS certificate; =false: never. The default is to bind them if it authenticates with the certificate and sends no DPoP proof."`
	DPoPBound        *bool          `group:"Tokens" name:"dpop-bound" negatable:"" help:"Require a DPoP proof and bind its access tokens to that key."`
	AssertionAlg     []string       `field:"assertion_algs" group:"Authentication" name:"assertion-alg" sep:"none" placeholder:"ALG" help:"Algorithm of its assertions. The default is any that its keys support. The alg of a JWK counts in either case. Repeats."`
	Profile          *string        `group:"Authentication" placeholder:"fapi2" help:"Security profile that it must follow: fapi2 (FAPI 2.0). Empty removes it."`
	EndpointAudience *bool          `group:"Authentication" name:"accept-token-endpoint-audience" negatable:"" help:"Its client assertions may have the URL of the token endpoint as their audience."`
	AssertUser       []string       `field:"assert_users" group:"Acting for users" sep:"none" placeholder:"PATTERN" help:"User for whom it may sign assertions (jwt-bearer); * stands for any characters. Repeats."`
	AssertRole       []string       `field:"assert_roles" group:"Acting for users" sep:"none" placeholder:"ROLE" help:"Or a role of such users. Repeats."`
	AllowRepeat      *bool          `group:"Acting for users" negatable:"" help:"Accept an assertion that it signs (jwt-bearer) more than once, until the assertion expires."`
	MayImpersonate   []string       `group:"Acting for users" sep:"none" placeholder:"PATTERN" help:"Subject that it may impersonate in a token exchange; * stands for any characters. Repeats."`
	RefreshIdleTTL   *time.Duration `field:"refresh_idle_ttl_seconds" group:"Tokens" name:"refresh-idle-ttl" placeholder:"DURATION" help:"Lifetime of an unused refresh token."`
	RefreshMaxTTL    *time.Duration `field:"refresh_max_ttl_seconds" group:"Tokens" name:"refresh-max-ttl" placeholder:"DURATION" help:"How long after a login it may refresh."`
	ClientSignInFlags
}

func (f ClientFlags) input(p *process) (admin.ClientInput, error) {
	custom, err := claims(f.Claim)
	input := admin.ClientInput{
		Name: f.Name, AuthMethods: listOf[oauth.AuthMethod](f.AuthMethod), EndpointAudience: f.EndpointAudience, AssertionAlgs: list(f.AssertionAlg), Profile: f.Profile, AssertUsers: list(f.AssertUser), AssertRoles: words(f.AssertRole), AllowRepeat: f.AllowRepeat, Impersonates: list(f.MayImpersonate), DPoPBound: f.DPoPBound, JWKSURI: f.JWKSURI,
		Grants: grants(f.Grant), Scopes: words(f.Scope), DefaultScopes: words(f.DefaultScope),
		Resources: list(f.Resource), Serves: list(f.Serves),
		Roles: list(f.Role), Permissions: list(f.Permission), Claims: custom,
		RefreshIdleTTL: f.RefreshIdleTTL, RefreshMaxTTL: f.RefreshMaxTTL,
		TLSSubject: f.tlsSubject(), TLSBound: f.TLSBound,
	}
	if err != nil {
		return input, err
	}
	if input.ClientSignInInput, err = f.ClientSignInFlags.input(p); err != nil {
		return input, err
	}
	if input.JWKS, err = p.readOrClear("--jwks-file", f.JWKSFile, keyfiles.JWKSet); err != nil {
		return input, err
	}
	input.Certificates, err = p.readCertificates("--certificate-file", f.CertificateFile)
	return input, err
}

// grantURN is the prefix of some grant types, which the command line leaves out.
const grantURN = "urn:ietf:params:oauth:grant-type:"

func grants(values []string) []oauth.GrantType {
	grants := listOf[oauth.GrantType](values)
	for i, grant := range grants {
		if whole := grantURN + grant; whole == oauth.JWTBearer || whole == oauth.TokenExchange {
			grants[i] = whole
		}
	}
	return grants
}

// tlsSubject is the given subject; nil: none.
func (f ClientFlags) tlsSubject() *admin.TLSSubject {
	switch {
	case f.TLSSubjectDN != nil:
		return &admin.TLSSubject{Kind: "dn", Value: *f.TLSSubjectDN}
	case f.TLSSanDNS != nil:
		return &admin.TLSSubject{Kind: "dns", Value: *f.TLSSanDNS}
	case f.TLSSanURI != nil:
		return &admin.TLSSubject{Kind: "uri", Value: *f.TLSSanURI}
	case f.TLSSanIP != nil:
		return &admin.TLSSubject{Kind: "ip", Value: *f.TLSSanIP}
	case f.TLSSanEmail != nil:
		return &admin.TLSSubject{Kind: "email", Value: *f.TLSSanEmail}
	}
	return nil
}

type clientCreate struct {
	NewClientSettings
	Output
	Existing
	ClientFlags
	ID         string `name:"id" field:"client_id" help:"The client_id. The default is a random one."`
	Public     bool   `group:"Authentication" help:"The client cannot keep a secret, such as an app on a phone. The same as --auth-method none."`
	SecretFile string `field:"client_secret" group:"Authentication" placeholder:"FILE" help:"File with the secret; - is standard input. The default is a random secret."`
	Disabled   bool   `help:"Register it disabled."`
}

func (c *clientCreate) Run(p *process) error {
	input, err := c.input(p)
	if err != nil {
		return err
	}
	if c.IfNotExists && c.ID == "" {
		return usage("--if-not-exists needs --id: a client without one gets a new identifier each time")
	}
	if c.Public {
		if len(input.AuthMethods) > 0 {
			return usage("--public and --auth-method contradict each other: a public client does not authenticate")
		}
		input.AuthMethods = []oauth.AuthMethod{oauth.AuthNone}
	}
	input.Disabled = &c.Disabled
	created := admin.NewClient{ID: c.ID, ClientInput: input, ShowSecret: p.once(c.Output)}
	if c.SecretFile != "" {
		if created.Secret, err = p.sharedSecret(c.SecretFile); err != nil {
			return err
		}
	}
	return with(p, &c.NewClientSettings, func(a *admin.Admin) error { return c.register(p, a, created) })
}

func (c *clientCreate) register(p *process, a *admin.Admin, n admin.NewClient) error {
	get := func() (admin.Client, error) { return a.Clients.Get(p.ctx, p.by, c.ID) }
	return register(p, c.Existing, c.Output, "client", c.ID, get, func() error {
		client, warnings, err := a.Clients.Create(p.ctx, p.by, n)
		if err != nil {
			return err
		}
		if client.Secret != "" { // ShowSecret printed it, with the warnings
			return nil
		}
		p.warn(warnings)
		return c.done(p, client)
	})
}

type clientList struct {
	Database
	Output
	Listing
}

func (c *clientList) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		clients, err := rows(c.Listing, func(page admin.Page) ([]admin.Client, error) { return a.Clients.List(p.ctx, p.by, page) },
			func(v admin.Client) string { return v.ClientID })
		if err != nil {
			return err
		}
		return printList(c.Output, p.stdout, clients, "client_id", "name", "public", "grants", "scopes", "resources", "disabled")
	})
}

type clientShow struct {
	Database
	Output
	ID string `arg:"" name:"client-id" field:"client_id" help:"The client_id."`
}

func (c *clientShow) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		client, err := a.Clients.Get(p.ctx, p.by, c.ID)
		if err != nil {
			return err
		}
		return c.show(p.stdout, client)
	})
}

type clientUpdate struct {
	ClientSettings
	Output
	ClientFlags
	ID       string `arg:"" name:"client-id" field:"client_id" help:"The client_id."`
	Disabled *bool  `xor:"disabled" help:"Disable it. Its tokens are void at once."`
	Enabled  *bool  `xor:"disabled" help:"Enable it again."`
}

func (c *clientUpdate) Run(p *process) error {
	input, err := c.input(p)
	if err != nil {
		return err
	}
	input.Disabled = toggle(c.Disabled, c.Enabled)
	if err := p.changes(input); err != nil {
		return err
	}
	return with(p, &c.ClientSettings, func(a *admin.Admin) error {
		client, warnings, err := a.Clients.Update(p.ctx, p.by, c.ID, input)
		if err != nil {
			return err
		}
		p.warn(warnings)
		return c.done(p, client)
	})
}

type clientDelete struct {
	Database
	Consent
	ID string `arg:"" name:"client-id" field:"client_id" help:"The client_id."`
}

func (c *clientDelete) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		if _, err := a.Clients.Get(p.ctx, p.by, c.ID); err != nil {
			return err
		}
		if err := c.ask(p, "Deleting client "+c.ID+" voids its access tokens and its refresh tokens at once."); err != nil {
			return err
		}
		if err := a.Clients.Delete(p.ctx, p.by, c.ID); err != nil {
			return err
		}
		p.report("client %s is deleted", c.ID)
		return nil
	})
}

type clientRotate struct {
	ClientSecretSettings
	Output
	ID         string        `arg:"" name:"client-id" field:"client_id" help:"The client_id."`
	Overlap    time.Duration `field:"overlap_seconds" default:"0s" help:"How long the old secrets stay valid, such as 24h."`
	SecretFile string        `field:"client_secret" placeholder:"FILE" help:"File with the new secret; - is standard input. The default is a random secret."`
}

func (c *clientRotate) Run(p *process) error {
	var brought string
	if c.SecretFile != "" {
		var err error
		if brought, err = p.sharedSecret(c.SecretFile); err != nil {
			return err
		}
	}
	return with(p, &c.ClientSecretSettings, func(a *admin.Admin) error {
		_, err := a.Clients.RotateSecret(p.ctx, p.by, c.ID, admin.SecretRotation{Secret: brought, Overlap: c.Overlap, ShowSecret: p.once(c.Output)})
		return err
	})
}
