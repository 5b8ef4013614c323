// Verifies an access token: verify ISSUER AUDIENCE TOKEN
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"
)

func main() {
	issuer, audience, token := os.Args[1], os.Args[2], []byte(os.Args[3])
	cache := jwk.NewCache(context.Background()) // one for the whole process
	if err := cache.Register(issuer + "/.well-known/jwks.json"); err != nil {
		log.Fatal(err)
	}
	keys := jwk.NewCachedSet(cache, issuer+"/.well-known/jwks.json")

	message, err := jws.Parse(token, jws.WithCompact())
	if err != nil || message.Signatures()[0].ProtectedHeaders().Type() != "at+jwt" {
		log.Fatal("not an access token")
	}
	claims, err := jwt.Parse(token, jwt.WithKeySet(keys), jwt.WithIssuer(issuer),
		jwt.WithAudience(audience), jwt.WithRequiredClaim("exp"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims.Subject())
}
