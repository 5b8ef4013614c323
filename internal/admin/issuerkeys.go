package admin

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"authserver/internal/jose"
	"authserver/internal/keys/keyfiles"
	"authserver/internal/store"
	"authserver/internal/trust/assertions"
	"authserver/internal/trust/remotekeys"
)

// IssuerKeys is where an issuer's keys come from: exactly one of the fields, or
// none where they are not to change.
type IssuerKeys struct {
	JWKS         []byte   // a JWK Set of public keys (RFC 7517 §5)
	Certificates [][]byte // files of certificates in PEM
	Secret       []byte   // shared, for HS256, HS384 and HS512
	JWKSURI      string   // where its JWK Set is fetched from
	Discovery    bool     // where that is says the issuer's metadata
}

func (k IssuerKeys) given() bool { return k.sources() > 0 }

func (k IssuerKeys) sources() int {
	sources := 0
	for _, there := range []bool{k.JWKS != nil, k.Certificates != nil, k.Secret != nil, k.JWKSURI != "", k.Discovery} {
		if there {
			sources++
		}
	}
	return sources
}

// setIssuerKeys takes over keys and algorithms.
func (a *Admin) setIssuerKeys(i *store.Issuer, f IssuerFields) error {
	registered := i.Algorithms
	if f.Keys.given() {
		if err := a.replaceKeys(i, f.Keys); err != nil {
			return err
		}
	} else if f.Algorithms == nil {
		return nil
	}
	each, err := a.algorithmsOfKeys(*i)
	if err != nil {
		return err
	}
	switch {
	case len(f.Algorithms) > 0:
		i.Algorithms = distinct(f.Algorithms)
		return checkAlgorithms(i.Algorithms, each)
	case f.Algorithms != nil:
		registered = nil
	}
	if i.JWKSURI != "" || i.Discovery {
		i.Algorithms = remoteAlgorithms()
		return nil
	}
	i.Algorithms = chooseAlgorithms(registered, each)
	return nil
}

func (a *Admin) replaceKeys(i *store.Issuer, k IssuerKeys) error {
	if k.sources() != 1 {
		return invalid("give exactly one of --jwks-file, --jwks-uri, --discovery, --certificate-file and --secret-file")
	}
	i.JWKS, i.Certificates, i.SealedSecret, i.JWKSURI, i.Discovery = nil, nil, nil, "", false
	if k.Certificates == nil {
		i.CACertificates = nil
	}
	switch {
	case k.JWKSURI != "":
		if err := remotekeys.CheckURL(k.JWKSURI, a.LocalHTTP); err != nil {
			return invalid("--jwks-uri: %w", err)
		}
		i.JWKSURI = k.JWKSURI
	case k.Discovery:
		if err := remotekeys.CheckURL(i.Iss, a.LocalHTTP); err != nil {
			return invalid("--discovery reads the metadata under --iss, which has to be a URL: %w", err)
		}
		i.Discovery = true
	case k.JWKS != nil:
		public, _, err := assertions.CheckJWKS(k.JWKS)
		if err != nil {
			return invalid("--jwks-file: %w", err)
		}
		i.JWKS = public
	case k.Certificates != nil:
		ders, err := checkCertificates(a.Now(), k.Certificates)
		if err != nil {
			return invalid("--certificate-file: %w", err)
		}
		i.Certificates = ders
	default:
		if err := checkSharedSecret(k.Secret); err != nil {
			return err
		}
		sealed, err := a.Sealer.Seal(k.Secret, store.SealedAs("issuers", i.ID))
		if err != nil {
			return fmt.Errorf("seal the shared secret: %w", err)
		}
		i.SealedSecret = sealed
	}
	return nil
}

// checkSharedSecret refuses what is no secret, or too short for one.
func checkSharedSecret(secret []byte) error {
	if err := keyfiles.Check(secret, keyfiles.Secret); err != nil {
		return invalid("--secret-file: %w", err)
	}
	if err := jose.CheckSecret(secret); err != nil {
		return invalid("--secret-file: %w", err)
	}
	return nil
}

// checkCertificates reads files of certificates and refuses one that is past its
// time. One whose time is still to come is how certificates are exchanged.
func checkCertificates(now time.Time, files [][]byte) ([][]byte, error) {
	var ders [][]byte
	for _, file := range files {
		found, err := assertions.ParseCertificates(file)
		if err != nil {
			return nil, err
		}
		ders = append(ders, found...)
	}
	if _, err := assertions.CheckCertificates(ders); err != nil {
		return nil, err
	}
	for n, der := range ders {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("parse certificate %d: %w", n+1, err)
		}
		if now.After(certificate.NotAfter) {
			return nil, fmt.Errorf("certificate %d (%s) expired at %s: ask the issuer for the one that replaced it",
				n+1, certificate.Subject, certificate.NotAfter.UTC().Format(time.RFC3339))
		}
	}
	return ders, nil
}

// algorithmsOfKeys returns for each key what it can verify.
func (a *Admin) algorithmsOfKeys(i store.Issuer) ([][]string, error) {
	var each [][]string
	switch {
	case i.JWKSURI != "", i.Discovery: // which keys there are shows when they are fetched
		return [][]string{remoteAlgorithms(), jose.Algorithms()}, nil
	case len(i.SealedSecret) > 0:
		return a.algorithmsOfSecret(i)
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

// leftOut warns of keys in a set that is registered which are passed over. Those that are
// for encryption are meant to be.
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
			warnings = append(warnings, warning("jwks", CodeUnused, "%s", key))
		}
	}
	return warnings
}

// remoteAlgorithms are those of an issuer whose keys are fetched, where nobody chooses
// others: what identity providers sign with.
func remoteAlgorithms() []string { return []string{"ES256", "RS256"} }

// algorithmsOfSecret returns the algorithms that a shared secret is long enough for.
func (a *Admin) algorithmsOfSecret(i store.Issuer) ([][]string, error) {
	secret, err := a.Sealer.Open(i.SealedSecret, store.SealedAs("issuers", i.ID))
	if err != nil {
		return nil, fmt.Errorf("unseal the shared secret: %w", err)
	}
	return [][]string{jose.SecretAlgorithms(len(secret))}, nil
}

// checkAlgorithms refuses an algorithm that none of the keys can do, HS256 with
// public keys above all (RFC 8725 §2.1).
func checkAlgorithms(wanted []string, each [][]string) error {
	able := slices.Concat(each...)
	for _, alg := range wanted {
		if !slices.Contains(able, alg) {
			slices.Sort(able)
			return invalid("--alg %q is not one that the issuer's keys can do: choose from %s", alg, strings.Join(slices.Compact(able), ", "))
		}
	}
	return nil
}

// chooseAlgorithms keeps of the algorithms registered those that a key can do,
// and adds one for each key that would be left with none, so that replacing keys
// neither widens what was narrowed nor locks the issuer out.
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
