package server

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"time"

	"authserver/internal/bcp195"
	"authserver/internal/config"
	"authserver/internal/trust/assertions"
)

// tlsFiles is what is read from the files of the settings of TLS.
type tlsFiles struct {
	certificate *watched[*tls.Certificate] // nil: TLS does not end here
	clientCAs   *watched[*x509.CertPool]   // nil: no authority vouches for clients
	asks        bool                       // for the certificates of clients
}

// openTLS reads the files, each of which has to be good.
func openTLS(s config.TLS, logger *slog.Logger) (tlsFiles, error) {
	files := tlsFiles{asks: s.AsksForCertificates()}
	if s.TLSHere() {
		files.certificate = &watched[*tls.Certificate]{
			settings: []string{"--tls-certificate-file", "--tls-key-file"}, names: []string{s.TLSCertificateFile, s.TLSKeyFile},
			parse: parseKeyPair, now: time.Now, logger: logger,
		}
		if err := files.certificate.load(); err != nil {
			return tlsFiles{}, err
		}
	}
	if s.TLSClientCAFile != "" {
		files.clientCAs = &watched[*x509.CertPool]{
			settings: []string{"--tls-client-ca-file"}, names: []string{s.TLSClientCAFile},
			parse: parseAuthorities, now: time.Now, logger: logger,
		}
		if err := files.clientCAs.load(); err != nil {
			return tlsFiles{}, err
		}
	}
	return files, nil
}

// config is how the public listener speaks TLS, nil where it does not.
//
// A certificate is asked for and never required, and whom it is good for is decided
// for each request (RFC 8705 §2): most clients have none. Which authorities would do
// is not told in the handshake, since a client would then keep a self-signed
// certificate to itself.
func (f tlsFiles) config() *tls.Config {
	if f.certificate == nil {
		return nil
	}
	c := bcp195.Config()
	c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.certificate.get(), nil }
	if f.asks {
		c.ClientAuth = tls.RequestClientCert
	}
	return c
}

// reload reads the files at once.
func (f tlsFiles) reload() {
	if f.certificate != nil {
		f.certificate.reload()
	}
	if f.clientCAs != nil {
		f.clientCAs.reload()
	}
}

func parseKeyPair(contents [][]byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(contents[0], contents[1])
	return &pair, err
}

func parseAuthorities(contents [][]byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	return pool, addAuthorities(pool, contents[0])
}

// addAuthorities adds the certificates of a file.
func addAuthorities(to *x509.CertPool, file []byte) error {
	ders, err := assertions.ParseCertificates(file)
	if err != nil {
		return err
	}
	for _, der := range ders {
		authority, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		to.AddCert(authority)
	}
	return nil
}
