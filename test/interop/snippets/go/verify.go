// Verifies an access token: verify ISSUER AUDIENCE TOKEN
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"
)

func main() {
	issuer, audience, token := os.Args[1], os.Args[2], []byte(os.Args[3])
	// One cache for the whole process, which keeps to the max-age of the keys.
	cache := jwk.NewCache(context.Background(), jwk.WithRefreshWindow(time.Minute))
	if err := cache.Register(issuer+"/.well-known/jwks.json", jwk.WithMinRefreshInterval(time.Minute)); err != nil {
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
