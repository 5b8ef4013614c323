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

// tlsFiles has the contents of the files in the TLS settings.
type tlsFiles struct {
	certificate *watched[*tls.Certificate] // nil: TLS does not end here
	clientCAs   *watched[*x509.CertPool]   // nil: no authority is trusted for clients
	asks        bool                       // for the certificates of clients
}

// openTLS reads the files, each of which has to be valid.
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

// config is the TLS configuration of the public listener; nil: plain http.
//
// The server asks for a client certificate but does not require one, because most clients have
// none. It decides for each request whose certificate it is (RFC 8705 §2). The handshake does not
// list the authorities: a client would then not send a self-signed certificate.
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
