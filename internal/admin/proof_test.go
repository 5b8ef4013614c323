package admin_test

import (
	"crypto/rand"
	"testing"
	"time"

	"authserver/internal/admin"
	"authserver/internal/trust/assertions"
	"authserver/internal/trust/dpop"
)

func TestProofsAreTaken(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	key := assertions.SigningKey{Key: newKey(t)}
	for name, n := range map[string]admin.NewDPoPProof{
		"for a token endpoint":  {Method: "POST", URL: "https://as.example.com/oauth2/token", Key: key},
		"for an API":            {Method: "GET", URL: "https://api.example.com/orders?page=2#top", AccessToken: "a.b.c", Key: key},
		"with a nonce":          {Method: "POST", URL: "https://as.example.com/oauth2/token", Nonce: "n", Key: key},
		"with an alg of choice": {Method: "POST", URL: "https://as.example.com/oauth2/token", Alg: "ES256", Key: key},
	} {
		t.Run(name, func(t *testing.T) {
			proof, err := admin.MakeDPoPProof(now, rand.Reader, n)
			if err != nil {
				t.Fatal(err)
			}
			got, err := dpop.Check(proof, dpop.Expect{Method: n.Method, URLs: []string{n.URL}, AccessToken: n.AccessToken, Now: now, MaxAge: time.Minute})
			if err != nil || got.Nonce != n.Nonce {
				t.Errorf("checked as %+v, %v", got, err)
			}
		})
	}
}

func TestProofsThatCannotBeMade(t *testing.T) {
	key := assertions.SigningKey{Key: newKey(t)}
	for name, n := range map[string]admin.NewDPoPProof{
		"url":   {Method: "POST", URL: "/oauth2/token", Key: key},
		"key":   {Method: "POST", URL: "https://as.example.com/oauth2/token", Key: assertions.SigningKey{}},
		"RS256": {Method: "POST", URL: "https://as.example.com/oauth2/token", Alg: "RS256", Key: key},
	} {
		_, err := admin.MakeDPoPProof(time.Now(), rand.Reader, n)
		wantFaults(t, err, name)
	}
}
