package server

import (
	"crypto/rand"
	"fmt"

	"authserver/internal/attempts"
	"authserver/internal/clientauth"
	"authserver/internal/config"
	"authserver/internal/handlers"
	"authserver/internal/oauth"
	"authserver/internal/passwords"
	"authserver/internal/store"
	"authserver/internal/trust/assertions"
	"authserver/internal/web"
)

// clientAuthParts is what the methods of client authentication are made of.
type clientAuthParts struct {
	clients  *store.Cached
	guard    *attempts.Guard
	hasher   *passwords.Hasher
	verifier *assertions.Verifier
	files    tlsFiles
	limits   algorithms

	identity   config.Identity
	tls        config.TLS
	assertions config.Assertions
}

// wireClientAuth makes the methods that the settings allow, a line for each.
func wireClientAuth(p clientAuthParts) (*clientauth.Authenticator, error) {
	verified, err := passwords.NewVerifiedCache(p.hasher, verifiedSize, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the cache of verified secrets: %w", err)
	}
	secrets := clientauth.Secrets{Slow: verified, Opener: p.verifier.Opener}
	endpoints := append(audiences(p.identity.Issuer)[1:], web.IssuerBase(p.identity.Issuer)+handlers.PushPath) // RFC 9126 §2
	signed := func(method oauth.AuthMethod) clientauth.JWT {
		return clientauth.JWT{
			Method: method, Verifier: p.verifier, Issuer: p.identity.Issuer, Endpoints: endpoints, Rules: p.limits.ofClients(p.assertions),
		}
	}
	methods := []clientauth.Method{
		clientauth.SecretBasic{Secrets: secrets},
		clientauth.SecretPost{Secrets: secrets},
	}
	if p.limits.takes(assertions.SecretAlgorithms()) {
		methods = append(methods, signed(oauth.AuthSecretJWT))
	}
	if p.limits.takes(assertions.KeyAlgorithms()) {
		methods = append(methods, signed(oauth.AuthPrivateKeyJWT))
	}
	if p.tls.TakesCertificates() {
		methods = append(methods, &clientauth.SelfSignedTLS{Remote: p.verifier.Remote})
		if p.files.clientCAs != nil {
			methods = append(methods, clientauth.TLS{Authorities: p.files.clientCAs.get})
		}
	}
	authenticator, err := clientauth.New(p.clients, append(methods, clientauth.None{})...)
	if err != nil {
		return nil, err
	}
	authenticator.Guard = p.guard
	return authenticator, nil
}
