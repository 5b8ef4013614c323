package admin

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"authserver/internal/keys/keyfiles"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/trust/assertions"
	"authserver/internal/trust/remotekeys"
)

// setClientKeys sets the public keys of the client.
func (cs *Clients) setClientKeys(f *form, c *store.Client, in ClientInput) {
	switch {
	case in.JWKS == nil:
	case len(in.JWKS) == 0:
		c.JWKS = nil
	default:
		if public := f.keySet(in.JWKS); public != nil {
			c.JWKS, c.JWKSURI = public, ""
		}
	}
	switch uri := in.JWKSURI; {
	case uri == nil:
	case *uri == "":
		c.JWKSURI = ""
	case len(in.JWKS) > 0:
		f.fault("jwks_uri", CodeConflict, "give either it or %v", Field("jwks"))
	case f.checkURL("jwks_uri", *uri, cs.LocalHTTP):
		c.JWKS, c.JWKSURI = nil, *uri
	}
	switch {
	case in.Certificates == nil:
	case len(in.Certificates) == 0:
		c.Certificates = nil
	case f.checkCertificates(cs.Now(), in.Certificates):
		c.Certificates = in.Certificates
	}
}

// keySet returns the public half of a key set; nil: it is wrong.
func (f *form) keySet(set json.RawMessage) json.RawMessage {
	public, _, err := assertions.CheckJWKS(set)
	if err != nil {
		f.fault("jwks", CodeInvalid, "%s", unwanted(err))
		return nil
	}
	return public
}

func (f *form) checkURL(field Field, url string, localHTTP bool) bool {
	err := remotekeys.CheckURL(url, localHTTP)
	if err != nil {
		f.fault(field, CodeInvalid, "%v", err)
	}
	return err == nil
}

// checkCertificates refuses an invalid or expired certificate. It accepts one that is not valid
// yet, because certificates are replaced in this way.
func (f *form) checkCertificates(now time.Time, ders [][]byte) bool {
	const field Field = "certificates"
	before := len(f.faults)
	if _, err := assertions.CheckCertificates(ders); err != nil {
		f.fault(field, CodeInvalid, "%v", err)
		return false
	}
	for n, der := range ders {
		certificate, err := x509.ParseCertificate(der)
		switch {
		case err != nil:
			f.fault(field.at(n), CodeInvalid, "parse certificate %d: %v", n+1, err)
		case now.After(certificate.NotAfter):
			f.fault(field.at(n), CodeInvalid, "certificate %d (%s) expired at %s: ask the issuer for the one that replaced it",
				n+1, certificate.Subject, certificate.NotAfter.UTC().Format(time.RFC3339))
		}
	}
	return len(f.faults) == before
}

// unwanted is the fault of a key, without the hint about its file.
func unwanted(err error) string {
	if other := (*keyfiles.MismatchError)(nil); errors.As(err, &other) {
		return other.Short()
	}
	return err.Error()
}

// hasSecrets reports whether one of the client's authentication methods uses a secret.
func hasSecrets(c store.Client) bool {
	return signs(c) || slices.ContainsFunc(secretMethods(), func(m oauth.AuthMethod) bool { return slices.Contains(c.AuthMethods, m) })
}

// signs reports whether the client signs with its secret, which is then sealed instead of hashed.
func signs(c store.Client) bool { return slices.Contains(c.AuthMethods, oauth.AuthSecretJWT) }
