package admin

import (
	"slices"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/trust/assertions"
	"authserver/internal/trust/remotekeys"
)

// setClientKeys takes over the public keys that the client signs with.
func (a *Admin) setClientKeys(c *store.Client, f ClientFields) error {
	switch {
	case f.JWKS == nil:
	case len(f.JWKS) == 0:
		c.JWKS = nil
	default:
		public, _, err := assertions.CheckJWKS(f.JWKS)
		if err != nil {
			return invalid("--jwks-file: %w", err)
		}
		c.JWKS, c.JWKSURI = public, ""
	}
	if f.JWKSURI != nil {
		if len(f.JWKS) > 0 {
			return invalid("give one of --jwks-file and --jwks-uri")
		}
		if *f.JWKSURI != "" {
			if err := remotekeys.CheckURL(*f.JWKSURI, a.LocalHTTP); err != nil {
				return invalid("--jwks-uri: %w", err)
			}
			c.JWKS = nil
		}
		c.JWKSURI = *f.JWKSURI
	}
	switch {
	case f.Certificates == nil:
	case len(f.Certificates) == 0:
		c.Certificates = nil
	default:
		ders, err := checkCertificates(a.Now(), f.Certificates)
		if err != nil {
			return invalid("--certificate-file: %w", err)
		}
		c.Certificates = ders
	}
	for to, from := range map[*bool]*bool{&c.EndpointAudience: f.EndpointAudience, &c.DPoPBound: f.DPoPBound} {
		if from != nil {
			*to = *from
		}
	}
	return nil
}

// hasSecrets reports whether one of the ways in which the client may prove itself
// takes a secret.
func hasSecrets(c store.Client) bool {
	return signs(c) || slices.ContainsFunc(secretMethods(), func(m oauth.AuthMethod) bool { return slices.Contains(c.AuthMethods, m) })
}

// signs reports whether the client signs with its secret, which is then kept so that
// it can be had again, and not as a hash.
func signs(c store.Client) bool { return slices.Contains(c.AuthMethods, oauth.AuthSecretJWT) }
