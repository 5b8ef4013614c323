package main

import (
	"time"

	"authserver/internal/admin"
)

type issuerCommand struct {
	Create issuerCreate `cmd:"" help:"Trust an issuer, with one source of keys: --jwks-file, --jwks-uri, --discovery, --certificate-file or --secret-file."`
	List   issuerList   `cmd:"" help:"List the issuers."`
	Show   issuerShow   `cmd:"" help:"Show an issuer."`
	Update issuerUpdate `cmd:"" help:"Change an issuer: the flags given, and nothing else. Repeated flags replace the list, an empty value clears it."`
	Delete issuerDelete `cmd:"" help:"Trust an issuer no longer. Tokens that its assertions bought stay good until they expire."`
}

// IssuerFlags are what of an issuer may be chosen.
type IssuerFlags struct {
	JWKSFile          string         `name:"jwks-file" placeholder:"FILE" help:"JWK Set with its public keys."`
	JWKSURI           string         `name:"jwks-uri" placeholder:"URL" help:"Where its JWK Set is fetched from, by https."`
	Discovery         bool           `help:"Fetch its JWK Set from where the metadata under its identifier says."`
	CertificateFile   []string       `sep:"none" placeholder:"FILE" help:"Certificates in PEM, chosen by x5t or x5t#S256. Repeats."`
	SecretFile        string         `placeholder:"FILE" help:"Shared secret for HS256, HS384 or HS512, of 32, 48 or 64 bytes or more; - for standard input."`
	Alg               []string       `sep:"none" help:"Algorithm that it may use; without it those that its keys are made for. Repeats."`
	SubjectClaim      *string        `placeholder:"CLAIM" help:"Claim that names the subject: sub (default), upn, email, another name, or a JSON Pointer into the claims."`
	Subject           *string        `placeholder:"KIND" help:"What its subjects are: a user here (default), a client here, or somebody whom only the issuer knows: federated, as far as --match lets them in, or any."`
	Scope             []string       `sep:"none" help:"Scope that its assertions may ask for. Repeats."`
	Resource          []string       `sep:"none" placeholder:"RESOURCE" help:"Resource that they may ask tokens for; the first is the default. Repeats."`
	RequireClientAuth *bool          `negatable:"" help:"A client has to authenticate beside the assertion. On unless --require-client-auth=false."`
	Client            *string        `placeholder:"CLIENT-ID" help:"Client that tokens are for where none authenticated."`
	MaxLifetime       *time.Duration `placeholder:"DURATION" help:"How far ahead the exp of an assertion may be."`
	EncryptionAlg     *string        `placeholder:"ALG" help:"Its assertions have to be encrypted to this server, with RSA-OAEP-256 or ECDH-ES; the key for it is in the JWKS. Empty: signed only."`
	Match             []string       `sep:"none" placeholder:"CLAIM=PATTERN" help:"Whom it may speak of: claims, separated by commas, and their patterns, in which * is any run of characters and ? one. Of several one has to match. Repeats."`
	RequireClaim      []string       `sep:"none" placeholder:"CLAIM" help:"Claim that has to be there. Repeats."`
	MapClaim          []string       `sep:"none" placeholder:"NAME=CLAIM" help:"Claim of its tokens that is taken from a claim of the assertion. Repeats."`
	ClockSkew         *time.Duration `name:"issuer-clock-skew" placeholder:"DURATION" help:"How far its clock may be off; without it, or 0s, as that of servers."`
	CAFile            []string       `name:"ca-file" sep:"none" placeholder:"FILE" help:"Certificates in PEM of the authorities that its certificates have to be from. Repeats."`
	AllowRepeat       *bool          `negatable:"" help:"An assertion without jti may be used again."`
}

func (f IssuerFlags) fields(p *process) (admin.IssuerFields, error) {
	fields := admin.IssuerFields{
		Algorithms: list(f.Alg), SubjectClaim: f.SubjectClaim, Subject: f.Subject,
		Scopes: words(f.Scope), Resources: list(f.Resource), RequireClientAuth: f.RequireClientAuth,
		ClientID: f.Client, MaxLifetime: f.MaxLifetime, AllowRepeat: f.AllowRepeat,
		EncryptionAlg: f.EncryptionAlg, Match: list(f.Match), RequireClaims: list(f.RequireClaim), MapClaims: list(f.MapClaim), ClockSkew: f.ClockSkew,
	}
	fields.Keys.JWKSURI, fields.Keys.Discovery = f.JWKSURI, f.Discovery
	if f.JWKSFile != "" {
		set, err := p.read("--jwks-file", f.JWKSFile)
		if err != nil {
			return fields, err
		}
		fields.Keys.JWKS = set
	}
	var err error
	if fields.Keys.Certificates, err = p.readAll("--certificate-file", f.CertificateFile); err != nil {
		return fields, err
	}
	if fields.Authorities, err = p.readAll("--ca-file", f.CAFile); err != nil {
		return fields, err
	}
	if f.SecretFile != "" {
		secret, err := p.secret("--secret-file", f.SecretFile)
		if err != nil {
			return fields, err
		}
		fields.Keys.Secret = []byte(secret)
	}
	return fields, nil
}

type issuerCreate struct {
	Database
	Output
	IssuerFlags
	Iss      string `required:"" placeholder:"ISSUER" help:"Identifier, as its assertions have it in iss."`
	Disabled bool   `help:"Register it disabled."`
}

func (c *issuerCreate) Run(p *process) error {
	fields, err := c.fields(p)
	if err != nil {
		return err
	}
	fields.Disabled = &c.Disabled
	return c.with(p, func(a *admin.Admin) error {
		issuer, warnings, err := a.CreateIssuer(p.ctx, c.Iss, fields)
		if err != nil {
			return err
		}
		p.warn(warnings)
		return c.done(p, issuer)
	})
}

type issuerList struct {
	Database
	Output
}

func (c *issuerList) Run(p *process) error {
	return c.with(p, func(a *admin.Admin) error {
		issuers, err := all(func(page admin.Page) ([]admin.Issuer, error) { return a.Issuers(p.ctx, page) },
			func(v admin.Issuer) string { return v.ID })
		if err != nil {
			return err
		}
		return printList(c.Output, p.stdout, issuers, "iss", "key_source", "algorithms", "subject", "subject_claim", "scopes", "disabled")
	})
}

type issuerShow struct {
	Database
	Output
	Iss string `arg:"" name:"issuer-id" help:"Identifier."`
}

func (c *issuerShow) Run(p *process) error {
	return c.with(p, func(a *admin.Admin) error {
		issuer, err := a.Issuer(p.ctx, c.Iss)
		if err != nil {
			return err
		}
		return c.show(p.stdout, issuer)
	})
}

type issuerUpdate struct {
	Database
	Output
	IssuerFlags
	Iss      string `arg:"" name:"issuer-id" help:"Identifier."`
	Disabled *bool  `xor:"disabled" help:"Disable it: its assertions buy nothing any more."`
	Enabled  *bool  `xor:"disabled" help:"Enable it again."`
}

func (c *issuerUpdate) Run(p *process) error {
	fields, err := c.fields(p)
	if err != nil {
		return err
	}
	fields.Disabled = toggle(c.Disabled, c.Enabled)
	return c.with(p, func(a *admin.Admin) error {
		issuer, warnings, err := a.UpdateIssuer(p.ctx, c.Iss, fields)
		if err != nil {
			return err
		}
		p.warn(warnings)
		return c.done(p, issuer)
	})
}

type issuerDelete struct {
	Database
	Iss string `arg:"" name:"issuer-id" help:"Identifier."`
}

func (c *issuerDelete) Run(p *process) error {
	return c.with(p, func(a *admin.Admin) error {
		if err := a.DeleteIssuer(p.ctx, c.Iss); err != nil {
			return err
		}
		p.say("issuer %s is deleted", c.Iss)
		return nil
	})
}
