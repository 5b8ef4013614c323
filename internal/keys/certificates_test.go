package keys_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"
	"time"

	"authserver/internal/keys"
	"authserver/internal/keys/keyfiles"
	"authserver/internal/testkit"
)

// authority issues certificates.
type authority struct {
	key         crypto.Signer
	certificate *x509.Certificate
}

func newAuthority(t *testing.T, name string, by *authority, change func(*x509.Certificate)) *authority {
	t.Helper()
	a := &authority{key: ecKey(t, elliptic.P256())}
	a.certificate = by.issue(t, name, a.key, func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign
		if change != nil {
			change(c)
		}
	})
	return a
}

// issue makes a certificate that is valid in May 2026; a nil authority signs with
// the key itself.
func (a *authority) issue(t *testing.T, name string, key crypto.Signer, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	template := x509.Certificate{
		Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true,
		NotBefore: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC),
	}
	if change != nil {
		change(&template)
	}
	if a == nil {
		return testkit.SelfSigned(t, template, key)
	}
	return testkit.Certify(t, template, key.Public(), a.certificate, a.key)
}

func TestCheckCertificates(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	root := newAuthority(t, "root", nil, nil)
	middle := newAuthority(t, "middle", root, nil)
	stranger := newAuthority(t, "middle", nil, nil) // of the same name
	late := newAuthority(t, "late", root, func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(time.Hour) })
	weak := newAuthority(t, "weak", root, func(c *x509.Certificate) { c.IsCA = false })
	use := func(use x509.KeyUsage) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.KeyUsage = use }
	}
	leaf := middle.issue(t, "leaf", key, use(x509.KeyUsageDigitalSignature))
	self := (*authority)(nil).issue(t, "self", key, nil)
	moment := func(day, hour, minute, second int) time.Time {
		return time.Date(2026, 5, day, hour, minute, second, 0, time.UTC)
	}
	noon := moment(15, 12, 0, 0)
	type chain = []*x509.Certificate
	long := chain{leaf, middle.certificate}
	for len(long) < 10 {
		long = append(long, root.certificate) // each is signed by the next
	}
	tests := []struct {
		name   string
		public crypto.PublicKey
		chain  chain
		at     time.Time
		want   string // "": it is valid
	}{
		{"a whole chain is good", key.Public(), chain{leaf, middle.certificate, root.certificate}, noon, ""},
		{"a chain without its root is good", key.Public(), chain{leaf, middle.certificate}, noon, ""},
		{"the leaf alone is good", key.Public(), chain{leaf}, noon, ""},
		{"a certificate that signs itself is good", key.Public(), chain{self}, noon, ""},
		{"ten certificates are good", key.Public(), long, noon, ""},
		{"content commitment is for signatures too", key.Public(), chain{middle.issue(t, "leaf", key, use(x509.KeyUsageContentCommitment))}, noon, ""},
		{"the first second is good", key.Public(), chain{leaf}, moment(1, 0, 0, 0), ""},
		{"the last second is good", key.Public(), chain{leaf}, moment(31, 0, 0, 0), ""},
		{"none", key.Public(), nil, noon, "there is no certificate"},
		{"eleven", key.Public(), append(long, root.certificate), noon, "there are 11 certificates: a chain has 10 at most"},
		{"of another key", ecKey(t, elliptic.P256()).Public(), chain{leaf}, noon, `certificate 1 ("CN=leaf") is of another key`},
		{"of a key of another kind", rsaKey().Public(), chain{leaf}, noon, "an EC key on P-256 where the key is an RSA key"},
		{"no public key", nil, chain{leaf}, noon, "has no certificates"},
		{"the wrong way round", key.Public(), chain{middle.certificate, leaf}, noon, `certificate 2 ("CN=leaf") is the key's, and has to be the first`},
		{"one left out", key.Public(), chain{leaf, root.certificate}, noon, `certificate 1 ("CN=leaf") was issued by "CN=middle", but certificate 2 ("CN=root") follows it`},
		{"in disorder", key.Public(), chain{leaf, root.certificate, middle.certificate}, noon, "order the chain from the key's certificate up"},
		{"signed by another of the same name", key.Public(), chain{leaf, stranger.certificate}, noon, `certificate 1 ("CN=leaf") is not signed by certificate 2 ("CN=middle")`},
		{"signed by who may not", key.Public(), chain{weak.issue(t, "leaf", key, nil), weak.certificate}, noon, "is not signed by certificate 2"},
		{"a second before", key.Public(), chain{leaf}, moment(1, 0, 0, -1), `certificate 1 ("CN=leaf") is not valid before 2026-05-01T00:00:00Z`},
		{"a second after", key.Public(), chain{leaf}, moment(31, 0, 0, 1), `certificate 1 ("CN=leaf") expired at 2026-05-31T00:00:00Z: renew it`},
		{"an issuer that has expired", key.Public(), chain{late.issue(t, "leaf", key, nil), late.certificate, root.certificate}, noon, `certificate 2 ("CN=late") expired at 2026-05-01T01:00:00Z`},
		{"for agreeing on keys alone", key.Public(), chain{middle.issue(t, "leaf", key, use(x509.KeyUsageKeyAgreement))}, noon, "does not allow signatures: its key usage has to include digitalSignature"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := keys.CheckCertificates(test.public, test.chain, test.at)
			if test.want == "" && err != nil {
				t.Errorf("CheckCertificates: %v", err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("CheckCertificates: %v, want an error that says %q", err, test.want)
			}
		})
	}
}

func TestTheCertificateThatOpensslMakesIsTheKeys(t *testing.T) {
	o := newOpenSSL(t)
	for _, name := range []string{"rsa", "p256", "p384", "ed"} {
		o.run(t, "req -x509 -key "+name+" -subj /CN=issuer.example -days 2 -out cert")
		m, err := keys.ParseMaterial(o.read(t, name, "cert"))
		if err != nil {
			t.Fatal(err)
		}
		if err := keys.CheckCertificates(m.Private.Public(), m.Certificates, time.Now()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := keys.CheckCertificates(m.Private.Public(), m.Certificates, time.Now().Add(72*time.Hour)); err == nil {
			t.Errorf("%s: it does not expire", name)
		}
	}
}

func TestParseCertificates(t *testing.T) {
	o := newOpenSSL(t)
	o.run(t, "x509 -in cert -outform DER -out der")
	o.run(t, "x509 -in cert -text -out text")
	o.run(t, "crl2pkcs7 -nocrl -certfile cert -out bag")
	o.run(t, "req -new -key p256 -subj /CN=x -out request")
	one := o.read(t, "cert")
	tests := []struct {
		name string
		data []byte
		n    int
		want string // "": it can be read
	}{
		{"one in PEM", one, 1, ""},
		{"a chain", o.read(t, "cert", "cert", "cert"), 3, ""},
		{"with the text that openssl writes", o.read(t, "text", "text"), 2, ""},
		{"one in DER", o.read(t, "der"), 1, ""},
		{"after a byte order mark", append([]byte("\xef\xbb\xbf"), one...), 1, ""},
		{"nothing", nil, 0, "it is empty"},
		{"text", []byte("a certificate"), 0, "it is not a certificate in PEM"},
		{"two in DER", o.read(t, "der", "der"), 0, "it is DER that is cut short"},
		{"a key in DER", pkcs8(t, rsaKey()), 0, "it is a private key in DER"},
		{"a key beside it", o.read(t, "cert", "p256"), 0, "its certificate alone belongs here"},
		{"a request", o.read(t, "request"), 0, "a request for a certificate"},
		{"PKCS #7", o.read(t, "bag"), 0, "`openssl pkcs7 -print_certs"},
		{"one that breaks off", one[:len(one)/2], 0, "cut short"},
		{"a damaged one between good ones", bytes.Join([][]byte{one, pemOf("CERTIFICATE", []byte("x")), one}, nil), 0, "is damaged"},
		{"more than a chain can be", bytes.Repeat(one, 200), 0, "larger than 64 KiB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			chain, err := keyfiles.Certificates(test.data)
			if test.want == "" && (err != nil || len(chain) != test.n) {
				t.Errorf("%d certificates, %v; want %d", len(chain), err, test.n)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("ParseCertificates: %v, want an error that says %q", err, test.want)
			}
		})
	}
}
