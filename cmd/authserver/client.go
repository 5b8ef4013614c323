package main

import (
	"time"

	"authserver/internal/admin"
)

type clientCommand struct {
	Create       clientCreate `cmd:"" help:"Register a client. Its secret is told this once."`
	List         clientList   `cmd:"" help:"List the clients."`
	Show         clientShow   `cmd:"" help:"Show a client."`
	Update       clientUpdate `cmd:"" help:"Change a client: the flags given, and nothing else. Repeated flags replace the list, an empty value clears it."`
	Delete       clientDelete `cmd:"" help:"Delete a client. Its tokens are void at once."`
	RotateSecret clientRotate `cmd:"" help:"Give a client a new secret. It is told this once."`
}

// ClientFlags are what of a client may be chosen.
type ClientFlags struct {
	Name             *string        `help:"Name for people."`
	Grant            []string       `sep:"none" help:"Grant that it may use: client_credentials, password, refresh_token, jwt-bearer or token-exchange. Repeats."`
	Scope            []string       `sep:"none" help:"Scope that it may ask for. Repeats."`
	DefaultScope     []string       `sep:"none" placeholder:"SCOPE" help:"Scope that it gets when it asks for none; without it all of --scope. Repeats."`
	Resource         []string       `sep:"none" placeholder:"RESOURCE" help:"Resource that it may ask tokens for; the first is the default. Repeats."`
	Serves           []string       `sep:"none" placeholder:"RESOURCE" help:"Resource that it is: it may introspect the tokens for it. Repeats."`
	Role             []string       `sep:"none" help:"Role in the tokens that it gets for itself. Repeats."`
	Permission       []string       `sep:"none" help:"Permission in the tokens that it gets for itself. Repeats."`
	Claim            []string       `sep:"none" placeholder:"NAME=VALUE" help:"Custom claim of its tokens; the value is JSON, or else a string. Repeats."`
	AuthMethod       []string       `sep:"none" placeholder:"METHOD" help:"How it proves itself: client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth, self_signed_tls_client_auth, or none. Without it Basic or post, either. Repeats."`
	JWKSFile         *string        `name:"jwks-file" placeholder:"FILE" help:"JWK Set with the public keys that it signs with, for private_key_jwt. Empty: none."`
	JWKSURI          *string        `name:"jwks-uri" placeholder:"URL" help:"Where that JWK Set is fetched from, by https, in the place of a file. Empty: nowhere."`
	CertificateFile  []string       `sep:"none" placeholder:"FILE" help:"Certificates in PEM: of those keys, chosen by x5t or x5t#S256, or for self_signed_tls_client_auth. Repeats."`
	TLSSubjectDN     *string        `name:"tls-subject-dn" xor:"tls-subject" placeholder:"NAME" help:"Subject of its certificate for tls_client_auth, as RFC 4514 writes it: CN=batch,O=Example."`
	TLSSanDNS        *string        `name:"tls-san-dns" xor:"tls-subject" placeholder:"HOST" help:"Or a host among the alternative names of its certificate."`
	TLSSanURI        *string        `name:"tls-san-uri" xor:"tls-subject" placeholder:"URI" help:"Or a URI among them, such as a SPIFFE ID."`
	TLSSanIP         *string        `name:"tls-san-ip" xor:"tls-subject" placeholder:"ADDRESS" help:"Or an address among them."`
	TLSSanEmail      *string        `name:"tls-san-email" xor:"tls-subject" placeholder:"ADDRESS" help:"Or an e-mail address among them."`
	TLSBound         *bool          `name:"tls-bound" negatable:"" help:"Bind its access tokens to the certificate that it presents, whatever it proves itself by; with --tls-bound=false never. Without either they are bound where it proves itself by the certificate and sends no DPoP proof."`
	DPoPBound        *bool          `name:"dpop-bound" negatable:"" help:"Bind its access tokens to a key that each of its requests proves (DPoP). Off again by --dpop-bound=false."`
	EndpointAudience *bool          `name:"accept-token-endpoint-audience" negatable:"" help:"Its assertions may name the token endpoint as their audience, and not the issuer identifier alone."`
	AssertUser       []string       `sep:"none" placeholder:"PATTERN" help:"User of whom it may sign assertions as its own issuer, with the grant jwt-bearer; * is any run of characters. Repeats."`
	AssertRole       []string       `sep:"none" placeholder:"ROLE" help:"Or users with this role. Repeats."`
	MayImpersonate   []string       `sep:"none" placeholder:"PATTERN" help:"Subject whose tokens it may exchange for tokens that do not name it as the actor; * is any run of characters. Repeats."`
	RefreshIdleTTL   *time.Duration `name:"refresh-idle-ttl" placeholder:"DURATION" help:"How long a refresh token may go unused."`
	RefreshMaxTTL    *time.Duration `name:"refresh-max-ttl" placeholder:"DURATION" help:"How long after a login refreshing ends."`
}

func (f ClientFlags) fields(p *process) (admin.ClientFields, error) {
	custom, err := claims(f.Claim)
	fields := admin.ClientFields{
		Name: f.Name, AuthMethods: list(f.AuthMethod), EndpointAudience: f.EndpointAudience, AssertUsers: list(f.AssertUser), AssertRoles: words(f.AssertRole), Impersonates: list(f.MayImpersonate), DPoPBound: f.DPoPBound, JWKSURI: f.JWKSURI, Grants: list(f.Grant),
		Scopes: words(f.Scope), DefaultScopes: words(f.DefaultScope),
		Resources: list(f.Resource), Serves: list(f.Serves),
		Roles: list(f.Role), Permissions: list(f.Permission), Claims: custom,
		RefreshIdleTTL: f.RefreshIdleTTL, RefreshMaxTTL: f.RefreshMaxTTL,
		TLSSubject: f.tlsSubject(), TLSBound: f.TLSBound,
	}
	if err != nil {
		return fields, err
	}
	if fields.JWKS, err = p.readOrClear("--jwks-file", f.JWKSFile); err != nil {
		return fields, err
	}
	fields.Certificates, err = p.readAll("--certificate-file", f.CertificateFile)
	return fields, err
}

// tlsSubject is the one subject that is given, nil where none is.
func (f ClientFlags) tlsSubject() *admin.TLSSubject {
	for _, given := range []struct {
		kind  admin.TLSSubjectKind
		value *string
	}{{"dn", f.TLSSubjectDN}, {"dns", f.TLSSanDNS}, {"uri", f.TLSSanURI}, {"ip", f.TLSSanIP}, {"email", f.TLSSanEmail}} {
		if given.value != nil {
			return &admin.TLSSubject{Kind: given.kind, Value: *given.value}
		}
	}
	return nil
}

type clientCreate struct {
	Database
	Output
	ClientFlags
	ID         string `name:"id" help:"The client_id. Without it one is made."`
	Public     bool   `help:"It cannot keep a secret, such as an app on a phone: the same as --auth-method none."`
	SecretFile string `placeholder:"FILE" help:"File that holds the secret, - for standard input. Without it one is made."`
	Disabled   bool   `help:"Register it disabled."`
}

func (c *clientCreate) Run(p *process) error {
	fields, err := c.fields(p)
	if err != nil {
		return err
	}
	if c.Public {
		if len(fields.AuthMethods) > 0 {
			return usage("--public and --auth-method contradict each other: a public client proves itself in no way")
		}
		fields.AuthMethods = []string{admin.PublicMethod}
	}
	fields.Disabled = &c.Disabled
	created := admin.NewClient{ID: c.ID, ClientFields: fields, Tell: p.once(c.Output)}
	if c.SecretFile != "" {
		if created.Secret, err = p.secret("--secret-file", c.SecretFile); err != nil {
			return err
		}
	}
	return c.with(p, func(a *admin.Admin) error {
		client, warnings, err := a.CreateClient(p.ctx, created)
		if err != nil {
			return err
		}
		p.warn(warnings)
		if client.Secret != "" { // it was told ahead of time
			return nil
		}
		return c.done(p, client)
	})
}

type clientList struct {
	Database
	Output
}

func (c *clientList) Run(p *process) error {
	return c.with(p, func(a *admin.Admin) error {
		clients, err := all(func(page admin.Page) ([]admin.Client, error) { return a.Clients(p.ctx, page) },
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
	ID string `arg:"" name:"client-id" help:"The client_id."`
}

func (c *clientShow) Run(p *process) error {
	return c.with(p, func(a *admin.Admin) error {
		client, err := a.Client(p.ctx, c.ID)
		if err != nil {
			return err
		}
		return c.show(p.stdout, client)
	})
}

type clientUpdate struct {
	Database
	Output
	ClientFlags
	ID       string `arg:"" name:"client-id" help:"The client_id."`
	Disabled *bool  `xor:"disabled" help:"Disable it. Its tokens are void at once."`
	Enabled  *bool  `xor:"disabled" help:"Enable it again."`
}

func (c *clientUpdate) Run(p *process) error {
	fields, err := c.fields(p)
	if err != nil {
		return err
	}
	fields.Disabled = toggle(c.Disabled, c.Enabled)
	return c.with(p, func(a *admin.Admin) error {
		client, warnings, err := a.UpdateClient(p.ctx, c.ID, fields)
		if err != nil {
			return err
		}
		p.warn(warnings)
		return c.done(p, client)
	})
}

type clientDelete struct {
	Database
	ID string `arg:"" name:"client-id" help:"The client_id."`
}

func (c *clientDelete) Run(p *process) error {
	return c.with(p, func(a *admin.Admin) error {
		if err := a.DeleteClient(p.ctx, c.ID); err != nil {
			return err
		}
		p.say("client %s is deleted", c.ID)
		return nil
	})
}

type clientRotate struct {
	Database
	Output
	ID         string        `arg:"" name:"client-id" help:"The client_id."`
	Overlap    time.Duration `default:"0s" help:"How long the old secrets stay good beside the new one, such as 24h. Without it they end at once."`
	SecretFile string        `placeholder:"FILE" help:"File that holds the new secret, - for standard input. Without it one is made."`
}

func (c *clientRotate) Run(p *process) error {
	var brought string
	if c.SecretFile != "" {
		var err error
		if brought, err = p.secret("--secret-file", c.SecretFile); err != nil {
			return err
		}
	}
	return c.with(p, func(a *admin.Admin) error {
		_, err := a.RotateSecret(p.ctx, c.ID, admin.SecretRotation{Secret: brought, Overlap: c.Overlap, Tell: p.once(c.Output)})
		return err
	})
}
