package main

import (
	"crypto/rand"
	"fmt"
	"time"

	"authserver/internal/admin"
)

type assertionCommand struct {
	Sign assertionSign `cmd:"" help:"Sign an assertion as an issuer would, and print it alone. It needs no database."`
}

type assertionSign struct {
	Iss             string        `xor:"who" required:"" placeholder:"ISSUER" help:"The issuer, as it is registered."`
	Client          string        `xor:"who" required:"" placeholder:"CLIENT-ID" help:"In the place of iss and sub: the client that proves itself with it, as client_assertion."`
	Sub             string        `help:"Whom it speaks of."`
	Aud             string        `required:"" placeholder:"URL" help:"For whom it is: the issuer identifier of the server that is to take it, or its token endpoint."`
	KeyFile         string        `xor:"key" required:"" placeholder:"FILE" help:"Private key in PEM or as a JWK, - for standard input."`
	SecretFile      string        `xor:"key" required:"" placeholder:"FILE" help:"Shared secret, - for standard input."`
	CertificateFile string        `placeholder:"FILE" help:"Certificate of the private key in PEM, to be named in x5t and x5t#S256."`
	Alg             string        `help:"Algorithm; without it the first that the key can do."`
	KID             string        `name:"kid" help:"Name of the key; without it that of the JWK, if it has one."`
	Claim           []string      `sep:"none" placeholder:"NAME=VALUE" help:"Further claim, or another value of one; the value is JSON, or else a string. Repeats."`
	TTL             time.Duration `name:"ttl" default:"5m" help:"How long it is good."`
	EncryptionFile  string        `name:"encryption-jwks-file" placeholder:"FILE" help:"The JWKS of the server that is to take it, or a JWK, - for standard input: it is encrypted to the key with use enc there once it is signed."`
	EncryptionAlg   string        `placeholder:"ALG" help:"Which of those keys, where there are several: that for RSA-OAEP-256 or ECDH-ES."`
	EncryptionEnc   string        `placeholder:"ENC" help:"How its content is encrypted: A256GCM (default) or A128GCM."`
}

func (c *assertionSign) Run(p *process) error {
	if (c.Sub == "") == (c.Client == "") {
		return usage("--sub goes with --iss, and --client stands for both")
	}
	custom, err := claims(c.Claim)
	if err != nil {
		return err
	}
	n := admin.NewAssertion{
		Issuer: c.Iss + c.Client, Subject: c.Sub + c.Client, Client: c.Client != "", Audience: c.Aud, TTL: c.TTL, Claims: custom, Alg: c.Alg, KID: c.KID,
		Encryption: admin.AssertionEncryption{Alg: c.EncryptionAlg, Enc: c.EncryptionEnc},
	}
	if err := c.files(p, &n); err != nil {
		return err
	}
	assertion, err := admin.SignAssertion(time.Now(), rand.Reader, n)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, assertion)
	return err
}

// files reads the keys.
func (c *assertionSign) files(p *process, n *admin.NewAssertion) error {
	var err error
	if c.SecretFile != "" {
		secret, err := p.secret("--secret-file", c.SecretFile)
		if err != nil {
			return err
		}
		n.Secret = []byte(secret)
	} else if n.Key, err = p.read("--key-file", c.KeyFile); err != nil {
		return err
	}
	if c.CertificateFile != "" {
		if n.Certificates, err = p.read("--certificate-file", c.CertificateFile); err != nil {
			return err
		}
	}
	if c.EncryptionFile != "" {
		n.Encryption.JWKS, err = p.read("--encryption-jwks-file", c.EncryptionFile)
	}
	return err
}
