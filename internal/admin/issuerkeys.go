package admin

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"authserver/internal/jose"
	"authserver/internal/keys/keyfiles"
	"authserver/internal/store"
	"authserver/internal/trust/remotekeys"
)

// IssuerKeys is the source of an issuer's keys: exactly one of the fields, or none to keep the
// present source.
type IssuerKeys struct {
	JWKS         json.RawMessage `field:"jwks"`         // a JWK Set of public keys (RFC 7517 §5)
	JWKSURI      string          `field:"jwks_uri"`     // the URL of its JWK Set
	Discovery    bool            `field:"discovery"`    // the issuer's metadata has the URL
	Certificates [][]byte        `field:"certificates"` // each in DER
	Secret       []byte          `field:"secret"`       // shared, for HS256, HS384 and HS512
}

// keyFields are those of [IssuerKeys].
func keyFields() []Field { return []Field{"jwks", "jwks_uri", "discovery", "certificates", "secret"} }

func (k IssuerKeys) given() bool { return len(k.fields()) > 0 }

// fields are the given ones.
func (k IssuerKeys) fields() []Field {
	var fields []Field
	for n, there := range []bool{k.JWKS != nil, k.JWKSURI != "", k.Discovery, k.Certificates != nil, k.Secret != nil} {
		if there {
			fields = append(fields, keyFields()[n])
		}
	}
	return fields
}

// keySource is the field of an issuer's source of keys.
func keySource(i store.Issuer) Field {
	switch {
	case i.JWKSURI != "":
		return "jwks_uri"
	case i.Discovery:
		return "discovery"
	case len(i.SealedSecret) > 0:
		return "secret"
	case len(i.Certificates) > 0:
		return "certificates"
	}
	return "jwks"
}

// setIssuerKeys sets keys and algorithms.
func (is *Issuers) setIssuerKeys(f *form, i *store.Issuer, in IssuerInput) {
	registered := i.Algorithms
	switch {
	case in.Keys.given():
		if !is.replaceKeys(f, i, in.Keys) {
			return
		}
	case in.Algorithms == nil || i.Algorithms == nil: // nothing is to change, or a new issuer has no keys
		return
	}
	each, err := is.algorithmsOfKeys(*i)
	if err != nil {
		f.fail("%w", err)
		return
	}
	switch {
	case len(in.Algorithms) > 0:
		if f.checkAlgorithms(in.Algorithms, each) {
			i.Algorithms = distinct(in.Algorithms)
		}
		return
	case in.Algorithms != nil:
		registered = nil
	}
	if i.JWKSURI != "" || i.Discovery {
		i.Algorithms = remoteAlgorithms()
		return
	}
	i.Algorithms = chooseAlgorithms(registered, each)
}

// replaceKeys reports whether the keys are valid.
func (is *Issuers) replaceKeys(f *form, i *store.Issuer, k IssuerKeys) bool {
	before := len(f.faults)
	if fields := k.fields(); len(fields) > 1 {
		f.fault(fields[1], CodeInvalid, "give exactly one of %v", keyFields())
		return false
	}
	if k.Certificates != nil && len(k.Certificates) == 0 {
		f.fault("certificates", CodeRequired, "an issuer needs keys: give a certificate, or one of the other sources of keys")
		return false
	}
	i.JWKS, i.Certificates, i.SealedSecret, i.JWKSURI, i.Discovery = nil, nil, nil, "", false
	if k.Certificates == nil {
		i.CACertificates = nil
	}
	switch {
	case k.JWKSURI != "":
		if f.checkURL("jwks_uri", k.JWKSURI, is.LocalHTTP) {
			i.JWKSURI = k.JWKSURI
		}
	case k.Discovery:
		if err := remotekeys.CheckURL(i.Iss, is.LocalHTTP); err != nil {
			f.fault("discovery", CodeInvalid, "it reads the metadata under the iss, which has to be a URL: %v", err)
		}
		i.Discovery = true
	case k.JWKS != nil:
		i.JWKS = f.keySet(k.JWKS)
	case k.Certificates != nil:
		if f.checkCertificates(is.Now(), k.Certificates) {
			i.Certificates = k.Certificates
		}
	case f.checkSharedSecret("secret", k.Secret):
		sealed, err := is.Sealer.Seal(k.Secret, store.SealedAs("issuers", i.ID))
		if err != nil {
			f.fail("seal the shared secret: %w", err)
		}
		i.SealedSecret = sealed
	}
	return len(f.faults) == before && f.err == nil
}

// checkSharedSecret refuses a text that is not a secret, or too short.
func (f *form) checkSharedSecret(field Field, secret []byte) bool {
	before := len(f.faults)
	if err := keyfiles.Check(secret, keyfiles.Secret); err != nil {
		f.fault(field, CodeInvalid, "%s", unwanted(err))
	} else if err := jose.CheckSecret(secret); err != nil {
		f.fault(field, CodeTooShort, "%v", err)
	}
	return len(f.faults) == before
}

// algorithmsOfKeys returns the algorithms that each key can verify.
func (is *Issuers) algorithmsOfKeys(i store.Issuer) ([][]string, error) {
	var each [][]string
	switch {
	case i.JWKSURI != "", i.Discovery: // the keys are known when they are fetched
		return [][]string{remoteAlgorithms(), jose.Algorithms()}, nil
	case len(i.SealedSecret) > 0:
		return is.algorithmsOfSecret(i)
	case len(i.Certificates) > 0:
		for _, der := range i.Certificates {
			certificate, err := x509.ParseCertificate(der)
			if err != nil {
				return nil, fmt.Errorf("parse a certificate: %w", err)
			}
			each = append(each, jose.AlgorithmsFor(certificate.PublicKey))
		}
		return each, nil
	}
	set, err := jose.ParseKeySet(i.JWKS)
	if err != nil {
		return nil, fmt.Errorf("parse the key set: %w", err)
	}
	for _, key := range set {
		can := jose.AlgorithmsFor(key.Public)
		if key.Alg != "" {
			can = []string{key.Alg}
		}
		each = append(each, can)
	}
	return each, nil
}

// leftOut warns of keys in a registered set that are ignored, except keys for encryption.
func leftOut(set []byte) []Fault {
	if len(set) == 0 {
		return nil
	}
	_, out, err := jose.ReadKeySet(set)
	if err != nil { // which is refused elsewhere
		return nil
	}
	var warnings []Fault
	for _, key := range out {
		if !key.Use {
			warnings = append(warnings, newFault("jwks", CodeUnused, "%s", key))
		}
	}
	return warnings
}

// remoteAlgorithms are those of an issuer whose keys are fetched, if the operator chooses no
// others: the usual ones of identity providers.
func remoteAlgorithms() []string { return []string{"ES256", "RS256"} }

// algorithmsOfSecret returns the algorithms that a shared secret is long enough for.
func (is *Issuers) algorithmsOfSecret(i store.Issuer) ([][]string, error) {
	secret, err := is.Sealer.Open(i.SealedSecret, store.SealedAs("issuers", i.ID))
	if err != nil {
		return nil, fmt.Errorf("unseal the shared secret: %w", err)
	}
	return [][]string{jose.SecretAlgorithms(len(secret))}, nil
}

// checkAlgorithms refuses an algorithm that none of the keys supports, above all HS256 with public
// keys (RFC 8725 §2.1).
func (f *form) checkAlgorithms(wanted []string, each [][]string) bool {
	able := slices.Concat(each...)
	slices.Sort(able)
	able = slices.Compact(able)
	before := len(f.faults)
	for n, alg := range wanted {
		if !slices.Contains(able, alg) {
			f.fault(Field("algorithms").at(n), CodeUnsupported, "%q is not one that the issuer's keys can do: choose from %s", alg, strings.Join(able, ", "))
		}
	}
	return len(f.faults) == before
}

// chooseAlgorithms keeps the registered algorithms that a key supports, and adds one for each key
// without any. So new keys neither widen a restriction nor lock the issuer out.
func chooseAlgorithms(registered []string, each [][]string) []string {
	var chosen []string
	for _, can := range each {
		kept := false
		for _, alg := range registered {
			if slices.Contains(can, alg) {
				chosen, kept = append(chosen, alg), true
			}
		}
		if !kept {
			chosen = append(chosen, can[0])
		}
	}
	slices.Sort(chosen)
	return slices.Compact(chosen)
}

func viewCertificates(ders [][]byte) ([]Certificate, error) {
	views := make([]Certificate, 0, len(ders))
	for _, der := range ders {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("parse a certificate: %w", err)
		}
		views = append(views, Certificate{
			X5TS256: jose.Thumbprint256(der), X5T: jose.Thumbprint1(der),
			Subject: c.Subject.String(), NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(),
		})
	}
	return views, nil
}
