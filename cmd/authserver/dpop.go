package main

import (
	"crypto/rand"
	"fmt"
	"time"

	"authserver/internal/admin"
)

type dpopCommand struct {
	Proof dpopProof `cmd:"" help:"Make a proof as a client would, and print it alone: the header DPoP of one request. It needs no database."`
}

type dpopProof struct {
	KeyFile          string `required:"" placeholder:"FILE" help:"Private key in PEM or as a JWK."`
	URL              string `name:"url" required:"" placeholder:"URL" help:"URL of the request, as the client calls it."`
	Method           string `default:"POST" help:"Method of the request."`
	Nonce            string `help:"Nonce that the server gave in the header DPoP-Nonce."`
	AccessTokenStdin bool   `help:"For a request to an API: read the access token that is sent with it from standard input."`
	Alg              string `help:"Algorithm; without it the first that the key can do."`
}

func (c *dpopProof) Run(p *process) error {
	n := admin.NewProof{Method: c.Method, URL: c.URL, Nonce: c.Nonce, Alg: c.Alg}
	var err error
	if n.Key, err = p.read("--key-file", c.KeyFile); err != nil {
		return err
	}
	if c.AccessTokenStdin {
		if n.AccessToken, err = p.secret("--access-token-stdin", "-"); err != nil {
			return err
		}
	}
	proof, err := admin.MakeProof(time.Now(), rand.Reader, n)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.stdout, proof)
	return err
}
