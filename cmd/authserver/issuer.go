package main

import (
	"cmp"
	"strings"
	"time"

	"authserver/internal/admin"
	"authserver/internal/keys/keyfiles"
)

type issuerCommand struct {
	Create issuerCreate `cmd:"" help:"Trust an issuer, with one source of keys: --jwks-file, --jwks-uri, --discovery, --certificate-file or --secret-file." example:"authserver issuer create --iss https://idp.example.com --jwks-file idp-jwks.json --scope read --resource https://api.example.com"`
	List   issuerList   `cmd:"" help:"List the issuers." example:"authserver issuer list"`
	Show   issuerShow   `cmd:"" help:"Show an issuer." example:"authserver issuer show https://idp.example.com"`
	Update issuerUpdate `cmd:"" help:"Change an issuer: only the flags that you give. A repeated flag replaces the list; an empty value clears it." example:"authserver issuer update https://idp.example.com --jwks-file new-jwks.json"`
	Delete issuerDelete `cmd:"" help:"Stop trusting an issuer. Tokens that were issued for its assertions stay valid until they expire." example:"authserver issuer delete https://idp.example.com"`
}

// IssuerFlags are the properties of an issuer.
type IssuerFlags struct {
	JWKSFile          string         `field:"jwks" group:"Keys" name:"jwks-file" placeholder:"FILE" help:"JWK Set with its public keys."`
	JWKSURI           string         `group:"Keys" name:"jwks-uri" placeholder:"URL" help:"https URL of its JWK Set."`
	Discovery         bool           `group:"Keys" help:"Find its JWK Set through its metadata."`
	CertificateFile   []string       `field:"certificates" group:"Keys" sep:"none" placeholder:"FILE" help:"Certificates in PEM, which its assertions name by x5t or x5t#S256. Repeats."`
	SecretFile        string         `field:"secret" group:"Keys" placeholder:"FILE" help:"Shared secret for HS256, HS384 or HS512, of at least 32, 48 or 64 bytes; - is standard input."`
	Alg               []string       `field:"algorithms" group:"Keys" sep:"none" help:"Algorithm that it may use. The default is the algorithms of its keys. Repeats."`
	Audience          []string       `field:"audiences" sep:"none" help:"Another aud that its assertions may have, beside the issuer identifier and the token endpoint. Repeats."`
	SubjectClaim      *string        `group:"Subjects and claims" placeholder:"CLAIM" help:"Claim that names the subject: sub (default), upn, email, another claim, or a JSON Pointer."`
	Subject           *string        `group:"Subjects and claims" placeholder:"KIND" help:"Its subjects: user (of this server, the default), client (of this server), federated (known to the issuer, allowed by --match) or any."`
	Scope             []string       `field:"scopes" sep:"none" help:"Scope that its assertions may ask for. Repeats."`
	Resource          []string       `field:"resources" sep:"none" placeholder:"RESOURCE" help:"Resource that its assertions may ask for; the first is the default. Repeats."`
	RequireClientAuth *bool          `negatable:"" help:"A client must authenticate beside the assertion (default)."`
	Client            *string        `field:"client_id" placeholder:"CLIENT-ID" help:"Client of the token if none authenticated."`
	MaxLifetime       *time.Duration `field:"max_lifetime_seconds" placeholder:"DURATION" help:"How far ahead exp of an assertion may be."`
	EncryptionAlg     *string        `placeholder:"ALG" help:"Require assertions that are encrypted to this server's key in the JWKS: RSA-OAEP-256 or ECDH-ES. Empty turns that off."`
	Match             []string       `group:"Subjects and claims" sep:"none" placeholder:"CLAIM=PATTERN" help:"Subjects that it may name: claims with patterns, separated by commas, all of which must match. * stands for any characters, ? for one. One of several --match must match. Repeats."`
	RequireClaim      []string       `field:"required_claims" group:"Subjects and claims" sep:"none" placeholder:"CLAIM" help:"Claim that its assertions must contain. Repeats."`
	MapClaim          []string       `field:"claim_mapping" group:"Subjects and claims" sep:"none" placeholder:"NAME=CLAIM" help:"Claim of the token, copied from a claim of the assertion. Repeats."`
	ClockSkew         *time.Duration `field:"clock_skew_seconds" name:"issuer-clock-skew" placeholder:"DURATION" help:"How far its clock may differ. 0s, the default, means --clock-skew."`
	CAFile            []string       `field:"ca_certificates" group:"Keys" name:"ca-file" sep:"none" placeholder:"FILE" help:"Certificates in PEM of the authorities that must have issued its certificates. Repeats."`
	AllowRepeat       *bool          `negatable:"" help:"Accept an assertion more than once, until the assertion expires."`
}

func (f IssuerFlags) input(p *process) (admin.IssuerInput, error) {
	input := admin.IssuerInput{
		Algorithms: list(f.Alg), Audiences: list(f.Audience), SubjectClaim: f.SubjectClaim, Subject: f.Subject,
		Scopes: words(f.Scope), Resources: list(f.Resource), RequireClientAuth: f.RequireClientAuth,
		ClientID: f.Client, MaxLifetime: f.MaxLifetime, AllowRepeat: f.AllowRepeat,
		EncryptionAlg: f.EncryptionAlg, RequiredClaims: list(f.RequireClaim), ClockSkew: f.ClockSkew,
	}
	var err error
	if input.Match, err = patterns(f.Match); err != nil {
		return input, err
	}
	if input.ClaimMapping, err = pairs("--map-claim", "NAME=CLAIM", f.MapClaim); err != nil {
		return input, err
	}
	if input.Authorities, err = p.readCertificates("--ca-file", f.CAFile); err != nil {
		return input, err
	}
	input.Keys, err = f.keys(p)
	return input, err
}

// keys reads the source of the issuer's keys.
func (f IssuerFlags) keys(p *process) (admin.IssuerKeys, error) {
	keys := admin.IssuerKeys{JWKSURI: f.JWKSURI, Discovery: f.Discovery}
	var err error
	if f.JWKSFile != "" {
		if keys.JWKS, err = p.readKeys("--jwks-file", f.JWKSFile, keyfiles.JWKSet); err != nil {
			return keys, err
		}
	}
	if keys.Certificates, err = p.readCertificates("--certificate-file", f.CertificateFile); err != nil {
		return keys, err
	}
	if f.SecretFile != "" {
		secret, err := p.sharedSecret(f.SecretFile)
		if err != nil {
			return keys, err
		}
		keys.Secret = []byte(secret)
	}
	return keys, nil
}

// patterns reads "claim=pattern,claim=pattern" of each value.
func patterns(values []string) ([]map[string]string, error) {
	if values == nil {
		return nil, nil //nolint:nilnil // nil means that none were given
	}
	read := []map[string]string{}
	for _, value := range list(values) {
		pattern, err := pairs("--match", "CLAIM=PATTERN, and more after commas, such as repository=acme/*,ref=refs/heads/main", strings.Split(value, ","))
		if err != nil {
			return nil, err
		}
		read = append(read, pattern)
	}
	return read, nil
}

type issuerCreate struct {
	NewIssuerSettings
	Output
	Existing
	IssuerFlags
	Iss      string `required:"" placeholder:"ISSUER" help:"Its identifier: iss of its assertions."`
	ID       string `name:"id" help:"Identifier of the registration. The default is the iss; several registrations with one iss need different keys."`
	Disabled bool   `help:"Register it disabled."`
}

func (c *issuerCreate) Run(p *process) error {
	input, err := c.input(p)
	if err != nil {
		return err
	}
	input.Disabled = &c.Disabled
	return with(p, &c.NewIssuerSettings, func(a *admin.Admin) error { return c.register(p, a, input) })
}

func (c *issuerCreate) register(p *process, a *admin.Admin, input admin.IssuerInput) error {
	id := cmp.Or(c.ID, c.Iss)
	get := func() (admin.Issuer, error) { return a.Issuers.Get(p.ctx, p.by, id) }
	return register(p, c.Existing, c.Output, "issuer", id, get, func() error {
		issuer, warnings, err := a.Issuers.Create(p.ctx, p.by, admin.NewIssuer{ID: c.ID, Iss: c.Iss, IssuerInput: input})
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
	Listing
}

func (c *issuerList) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		issuers, err := rows(c.Listing, func(page admin.Page) ([]admin.Issuer, error) { return a.Issuers.List(p.ctx, p.by, page) },
			func(v admin.Issuer) string { return v.ID })
		if err != nil {
			return err
		}
		return printList(c.Output, p.stdout, issuers, "id", "iss", "key_source", "algorithms", "subject", "subject_claim", "scopes", "disabled")
	})
}

type issuerShow struct {
	Database
	Output
	ID string `arg:"" name:"issuer-id" field:"id" help:"Identifier of the registration."`
}

func (c *issuerShow) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		issuer, err := a.Issuers.Get(p.ctx, p.by, c.ID)
		if err != nil {
			return err
		}
		return c.show(p.stdout, issuer)
	})
}

type issuerUpdate struct {
	IssuerSettings
	Output
	IssuerFlags
	ID       string `arg:"" name:"issuer-id" field:"id" help:"Identifier of the registration."`
	Disabled *bool  `xor:"disabled" help:"Disable it: the server refuses its assertions."`
	Enabled  *bool  `xor:"disabled" help:"Enable it again."`
}

func (c *issuerUpdate) Run(p *process) error {
	input, err := c.input(p)
	if err != nil {
		return err
	}
	input.Disabled = toggle(c.Disabled, c.Enabled)
	if err := p.changes(input); err != nil {
		return err
	}
	return with(p, &c.IssuerSettings, func(a *admin.Admin) error {
		issuer, warnings, err := a.Issuers.Update(p.ctx, p.by, c.ID, input)
		if err != nil {
			return err
		}
		p.warn(warnings)
		return c.done(p, issuer)
	})
}

type issuerDelete struct {
	Database
	Consent
	ID string `arg:"" name:"issuer-id" field:"id" help:"Identifier of the registration."`
}

func (c *issuerDelete) Run(p *process) error {
	return with(p, &c.Database, func(a *admin.Admin) error {
		if _, err := a.Issuers.Get(p.ctx, p.by, c.ID); err != nil {
			return err
		}
		if err := c.ask(p, "After deleting issuer "+c.ID+" its assertions are refused. Tokens that were issued for them stay valid until they expire."); err != nil {
			return err
		}
		if err := a.Issuers.Delete(p.ctx, p.by, c.ID); err != nil {
			return err
		}
		p.report("issuer %s is deleted", c.ID)
		return nil
	})
}
