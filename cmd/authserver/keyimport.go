package main

import (
	"crypto/x509"

	"authserver/internal/admin"
	"authserver/internal/keys"
	"authserver/internal/keys/keyfiles"
)

type keyImport struct {
	SigningKeySettings
	Output
	File            string `field:"key" placeholder:"FILE" help:"Private key in PEM (PKCS #1, PKCS #8, SEC 1) or as a JWK, with its certificates if the file has them; - is standard input."`
	URI             string `name:"uri" placeholder:"pkcs11:…" help:"Key in the PKCS #11 token of --pkcs11-module, instead of --file."`
	Alg             string `help:"Algorithm of an RSA key: RS256 (default) or PS256."`
	CertificateFile string `field:"certificates" placeholder:"FILE" help:"Certificates of the key in PEM, its own first."`
}

func (c *keyImport) Run(p *process) error {
	if (c.File == "") == (c.URI == "") {
		return usage("give either --file or --uri")
	}
	brought := admin.KeyImport{URI: c.URI, Alg: c.Alg}
	var err error
	if c.File != "" {
		if brought.Key, err = c.material(p); err != nil {
			return err
		}
	}
	if c.CertificateFile != "" {
		if brought.Certificates, err = p.readChain("--certificate-file", c.CertificateFile); err != nil {
			return err
		}
	}
	return with(p, &c.SigningKeySettings, func(a *admin.Admin) error {
		imported, err := a.Keys.Import(p.ctx, p.by, brought)
		if err != nil {
			return err
		}
		return c.done(p, imported)
	})
}

// material reads the key.
func (c *keyImport) material(p *process) (keys.Material, error) {
	file, err := p.read("--file", c.File)
	if err != nil {
		return keys.Material{}, err
	}
	material, err := keys.ParseMaterial(file)
	if err != nil {
		return material, usage("--file: %w", err)
	}
	return material, nil
}

// readChain reads the certificates of a key.
func (p *process) readChain(flag, name string) ([]*x509.Certificate, error) {
	data, err := p.read(flag, name)
	if err != nil {
		return nil, err
	}
	chain, err := keyfiles.Certificates(data)
	if err != nil {
		return nil, usage("%s: %w", flag, err)
	}
	return chain, nil
}

type keyCertify struct {
	SigningKeySettings
	Output
	KID             string `arg:"" name:"kid" help:"The kid. Write -- before one that begins with a hyphen."`
	CertificateFile string `field:"certificates" required:"" placeholder:"FILE" help:"Certificates of the key in PEM, its own first. An empty file removes them."`
}

func (c *keyCertify) Run(p *process) error {
	data, err := p.read("--certificate-file", c.CertificateFile)
	if err != nil {
		return err
	}
	var certificates []*x509.Certificate
	if len(data) > 0 { // an empty file takes them away
		if certificates, err = keyfiles.Certificates(data); err != nil {
			return usage("--certificate-file: %w", err)
		}
	}
	return with(p, &c.SigningKeySettings, func(a *admin.Admin) error {
		certified, err := a.Keys.Certify(p.ctx, p.by, c.KID, certificates)
		if err != nil {
			return err
		}
		return c.done(p, certified)
	})
}
