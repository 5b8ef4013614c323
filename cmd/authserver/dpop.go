package main

import (
	"crypto/rand"
	"fmt"
	"time"

	"authserver/internal/admin"
)

type dpopCommand struct {
	Proof dpopProof `cmd:"" help:"Make a proof like a client, and print it: the header DPoP of one request. This needs no database." example:"authserver dpop proof --key-file key.pem --url https://auth.example.com/oauth2/token"`
}

type dpopProof struct {
	KeyFile          string `field:"key" required:"" placeholder:"FILE" help:"Private key in PEM or as a JWK."`
	URL              string `name:"url" required:"" placeholder:"URL" help:"URL of the request as the client calls it."`
	Method           string `default:"POST" help:"Method of the request."`
	Nonce            string `help:"Nonce from the server's header DPoP-Nonce."`
	AccessTokenStdin bool   `field:"access_token" help:"For a request to an API, read its access token from standard input."`
	Alg              string `help:"Algorithm. The default is the first that the key supports."`
}

func (c *dpopProof) Run(p *process) error {
	n := admin.NewDPoPProof{Method: c.Method, URL: c.URL, Nonce: c.Nonce, Alg: c.Alg}
	var err error
	if n.Key, err = p.readPrivateKey("--key-file", c.KeyFile); err != nil {
		return err
	}
	if c.AccessTokenStdin {
		if n.AccessToken, err = p.secret("--access-token-stdin", "-"); err != nil {
			return err
		}
	}
	proof, err := admin.MakeDPoPProof(time.Now(), rand.Reader, n)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, proof)
	return err
}
