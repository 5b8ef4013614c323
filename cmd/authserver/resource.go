package main

import (
	"time"

	"authserver/internal/admin"
	"authserver/internal/keys/keyfiles"
)

type resourceCommand struct {
	Create resourceCreate `cmd:"" help:"Register a resource." example:"authserver resource create --id https://orders.example.com --scope orders:read --scope orders:write"`
	List   resourceList   `cmd:"" help:"List the resources." example:"authserver resource list"`
	Show   resourceShow   `cmd:"" help:"Show a resource." example:"authserver resource show https://orders.example.com"`
	Update resourceUpdate `cmd:"" help:"Change a resource: only the flags that you give. A repeated flag replaces the list; an empty value clears it." example:"authserver resource update https://orders.example.com --access-token-ttl 10m"`
	Delete resourceDelete `cmd:"" help:"Delete a resource. Its tokens stay valid until they expire." example:"authserver resource delete https://orders.example.com"`
}

// ResourceFlags are the properties of a resource.
type ResourceFlags struct {
	Name           *string        `help:"Name for people."`
	Scope          []string       `field:"scopes" sep:"none" help:"Scope that it knows. Without any, its clients decide. Repeats."`
	AccessTokenTTL *time.Duration `name:"access-token-ttl" field:"access_token_ttl_seconds" placeholder:"DURATION" help:"Lifetime of its access tokens."`
	SigningAlg     *string        `placeholder:"ALG" help:"Algorithm of its access tokens: RS256, ES256, PS256, ES384 or EdDSA."`
	TokenTyp       *string        `placeholder:"TYP" help:"Header typ of its access tokens: at+jwt (default, RFC 9068), or JWT for an API whose verifier accepts nothing else."`
	EncryptionFile *string        `name:"encryption-jwk-file" field:"encryption_jwk" placeholder:"FILE" help:"JWK of a public key (RSA, P-256, P-384 or P-521) to which its signed access tokens are encrypted. Empty turns that off."`
	EncryptionEnc  *string        `name:"encryption-enc" placeholder:"ENC" help:"Content encryption: A256GCM (default) or A128GCM."`
	Claim          []string       `field:"claims" sep:"none" placeholder:"NAME=VALUE" help:"Custom claim of its tokens, with a value in JSON or a string. Repeats."`
}

func (f ResourceFlags) input(p *process) (admin.ResourceInput, error) {
	custom, err := claims(f.Claim)
	input := admin.ResourceInput{
		Name: f.Name, Scopes: words(f.Scope), AccessTokenTTL: f.AccessTokenTTL, SigningAlg: f.SigningAlg, TokenTyp: f.TokenTyp,
		EncryptionEnc: f.EncryptionEnc, Claims: custom,
	}
	if err != nil {
		return input, err
	}
	input.EncryptionJWK, err = p.readOrClear("--encryption-jwk-file", f.EncryptionFile, keyfiles.JWK)
	return input, err
}

type resourceCreate struct {
	NewResourceSettings
	Output
	Existing
	ResourceFlags
	ID string `name:"id" required:"" placeholder:"RESOURCE" help:"Identifier, and aud of its tokens: printable characters without spaces, such as https://api.example.com or orders-api."`
}

func (c *resourceCreate) Run(p *process) error {
	input, err := c.input(p)
	if err != nil {
		return err
	}
	return with(p, &c.NewResourceSettings, func(a *admin.Admin) error { return c.register(p, a, input) })
}

func (c *resourceCreate) register(p *process, a *admin.Admin, input admin.ResourceInput) error {
	get := func() (admin.Resource, error) { return a.Resources.Get(p.ctx, p.by, c.ID) }
	return register(p, c.Existing, c.Output, "resource", c.ID, get, func() error {
		resource, warnings, err := a.Resources.Create(p.ctx, p.by, admin.NewResource{ID: c.ID, ResourceInput: input})
		if err != nil {
			return err
		}
		p.warn(warnings)
		return c.done(p, resource)
	})
}

type resourceList struct {
	Database
	Output
	Listing
}

func (c *resourceList) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		resources, err := rows(c.Listing, func(page admin.Page) ([]admin.Resource, error) { return a.Resources.List(p.ctx, p.by, page) },
			func(v admin.Resource) string { return v.ID })
		if err != nil {
			return err
		}
		return printList(c.Output, p.stdout, resources, "id", "name", "scopes", "access_token_ttl", "signing_alg")
	})
}

type resourceShow struct {
	Database
	Output
	ID string `arg:"" name:"resource" field:"id" help:"Identifier."`
}

func (c *resourceShow) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		resource, err := a.Resources.Get(p.ctx, p.by, c.ID)
		if err != nil {
			return err
		}
		return c.show(p.stdout, resource)
	})
}

type resourceUpdate struct {
	ResourceSettings
	Output
	ResourceFlags
	ID string `arg:"" name:"resource" field:"id" help:"Identifier."`
}

func (c *resourceUpdate) Run(p *process) error {
	input, err := c.input(p)
	if err != nil {
		return err
	}
	if err := p.changes(input); err != nil {
		return err
	}
	return with(p, &c.ResourceSettings, func(a *admin.Admin) error {
		resource, warnings, err := a.Resources.Update(p.ctx, p.by, c.ID, input)
		if err != nil {
			return err
		}
		p.warn(warnings)
		return c.done(p, resource)
	})
}

type resourceDelete struct {
	Database
	Consent
	ID string `arg:"" name:"resource" field:"id" help:"Identifier."`
}

func (c *resourceDelete) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		if _, err := a.Resources.Get(p.ctx, p.by, c.ID); err != nil {
			return err
		}
		if err := c.ask(p, "After deleting resource "+c.ID+" its clients get no tokens for it. Its tokens stay valid until they expire."); err != nil {
			return err
		}
		if err := a.Resources.Delete(p.ctx, p.by, c.ID); err != nil {
			return err
		}
		p.report("resource %s is deleted", c.ID)
		return nil
	})
}
