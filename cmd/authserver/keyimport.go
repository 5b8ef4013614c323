package main

import (
	"authserver/internal/admin"
)

type keyImport struct {
	Database
	Output
	File            string `placeholder:"FILE" help:"Private key in PEM (PKCS #1, PKCS #8, SEC 1) or as a JWK, with its certificates if the file has them; - is standard input."`
	URI             string `name:"uri" placeholder:"pkcs11:…" help:"Key in the PKCS #11 token of --pkcs11-module, instead of --file."`
	Alg             string `help:"Algorithm of an RSA key: RS256 (default) or PS256."`
	CertificateFile string `placeholder:"FILE" help:"Certificates of the key in PEM, its own first."`
}

func (c *keyImport) Run(p *process) error {
	if (c.File == "") == (c.URI == "") {
		return usage("give either --file or --uri")
	}
	brought := admin.KeyImport{URI: c.URI, Alg: c.Alg}
	var err error
	if c.File != "" {
		if brought.File, err = p.read("--file", c.File); err != nil {
			return err
		}
	}
	if c.CertificateFile != "" {
		if brought.Certificates, err = p.read("--certificate-file", c.CertificateFile); err != nil {
			return err
		}
	}
	return c.with(p, func(a *admin.Admin) error {
		imported, err := a.ImportKey(p.ctx, p.by, brought)
		if err != nil {
			return err
		}
		return c.done(p, imported)
	})
}

type keyCertify struct {
	Database
	Output
	KID             string `arg:"" name:"kid" help:"The kid. Write -- before one that begins with a hyphen."`
	CertificateFile string `required:"" placeholder:"FILE" help:"Certificates of the key in PEM, its own first. An empty file removes them."`
}

func (c *keyCertify) Run(p *process) error {
	certificates, err := p.read("--certificate-file", c.CertificateFile)
	if err != nil {
		return err
	}
	return c.with(p, func(a *admin.Admin) error {
		certified, err := a.CertifyKey(p.ctx, p.by, c.KID, certificates)
		if err != nil {
			return err
		}
		return c.done(p, certified)
	})
}
