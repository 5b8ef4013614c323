package keys

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lestrrat-go/jwx/v2/cert"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"authserver/internal/jose"
)

// certified returns the JWK with "x5c", "x5t" and "x5t#S256" (RFC 7517 §4.7 to §4.9), and until
// when these are valid. It leaves out expired certificates, because the key works without them. It
// also leaves out certificates of another key: nothing protects the column, and an attacker who can
// only write to the database must not get us to publish another key.
func certified(public crypto.PublicKey, plain json.RawMessage, chain [][]byte, now time.Time) (json.RawMessage, time.Time, error) {
	if len(chain) == 0 {
		return plain, time.Time{}, nil
	}
	certificates, until, err := parseChain(chain)
	if err != nil || CheckCertificates(public, certificates, now) != nil {
		return plain, time.Time{}, err
	}
	key, err := jwk.ParseKey(plain)
	if err != nil {
		return plain, time.Time{}, fmt.Errorf("read the public key: %w", err)
	}
	var x5c cert.Chain
	for _, der := range chain {
		if err := x5c.AddString(base64.StdEncoding.EncodeToString(der)); err != nil {
			return plain, time.Time{}, fmt.Errorf("attach a certificate: %w", err)
		}
	}
	for name, value := range map[string]any{
		jwk.X509CertChainKey:          &x5c,
		jwk.X509CertThumbprintKey:     jose.Thumbprint1(chain[0]),
		jwk.X509CertThumbprintS256Key: jose.Thumbprint256(chain[0]),
	} {
		if err := key.Set(name, value); err != nil {
			return plain, time.Time{}, fmt.Errorf("set %q of the public key: %w", name, err)
		}
	}
	text, err := json.Marshal(key)
	if err != nil {
		return plain, time.Time{}, fmt.Errorf("encode the public key: %w", err)
	}
	return text, until, nil
}

// parseChain reads certificates, and when the first of them expires.
func parseChain(chain [][]byte) (certificates []*x509.Certificate, until time.Time, err error) {
	for _, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, time.Time{}, fmt.Errorf("read a certificate: %w", err)
		}
		if until.IsZero() || c.NotAfter.Before(until) {
			until = c.NotAfter
		}
		certificates = append(certificates, c)
	}
	return certificates, until, nil
}
