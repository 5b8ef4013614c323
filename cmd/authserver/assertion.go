package main

import (
	"crypto/rand"
	"fmt"
	"time"

	"authserver/internal/admin"
	"authserver/internal/keys/keyfiles"
)

type assertionCommand struct {
	Sign assertionSign `cmd:"" help:"Sign an assertion like an issuer, and print it. This needs no database." example:"authserver assertion sign --iss https://idp.example.com --sub alice --aud https://auth.example.com --key-file idp-key.pem"`
}

type assertionSign struct {
	Iss             string        `xor:"who" required:"" placeholder:"ISSUER" help:"The issuer as it is registered."`
	Client          string        `xor:"who" required:"" placeholder:"CLIENT-ID" help:"Instead of --iss and --sub: the client that authenticates with the assertion."`
	Sub             string        `help:"The subject."`
	Aud             string        `required:"" placeholder:"URL" help:"The audience: the issuer identifier of the server, or its token endpoint."`
	KeyFile         string        `field:"key" xor:"key" required:"" placeholder:"FILE" help:"Private key in PEM or as a JWK; - is standard input."`
	SecretFile      string        `field:"key" xor:"key" required:"" placeholder:"FILE" help:"Shared secret; - is standard input."`
	CertificateFile string        `field:"certificates" placeholder:"FILE" help:"Certificate of the private key in PEM, for x5t and x5t#S256."`
	Alg             string        `help:"Algorithm. The default is the first that the key supports."`
	KID             string        `name:"kid" help:"Name of the key. The default is that of the JWK, if it has one."`
	Claim           []string      `field:"claims" sep:"none" placeholder:"NAME=VALUE" help:"Another claim, or another value of a claim, in JSON or a string. Repeats."`
	TTL             time.Duration `name:"ttl" field:"ttl_seconds" default:"5m" help:"Lifetime."`
	EncryptionFile  string        `name:"encryption-jwks-file" field:"encryption_jwks" placeholder:"FILE" help:"JWKS of the server, or a JWK, with a key of use enc: encrypt the signed assertion to it; - is standard input."`
	EncryptionAlg   string        `placeholder:"ALG" help:"The key for RSA-OAEP-256 or for ECDH-ES, if there are several."`
	EncryptionEnc   string        `placeholder:"ENC" help:"Content encryption: A256GCM (default) or A128GCM."`
}

func (c *assertionSign) Run(p *process) error {
	if (c.Sub == "") == (c.Client == "") {
		return usage("--sub goes with --iss, and --client replaces both")
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
		secret, err := p.sharedSecret(c.SecretFile)
		if err != nil {
			return err
		}
		n.Key.Key = []byte(secret)
	} else if n.Key, err = p.readPrivateKey("--key-file", c.KeyFile); err != nil {
		return err
	}
	if c.CertificateFile != "" {
		if n.Certificates, err = p.readCertificates("--certificate-file", []string{c.CertificateFile}); err != nil {
			return err
		}
	}
	if c.EncryptionFile != "" {
		n.Encryption.JWKS, err = p.readKeys("--encryption-jwks-file", c.EncryptionFile, keyfiles.JWKSet)
	}
	return err
}
