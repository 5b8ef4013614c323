package server

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"authserver/internal/assertions"
	"authserver/internal/bcp195"
	"authserver/internal/config"
)

// filesFresh is how long files count as unchanged: they are looked at no more often,
// whatever the handshakes.
const filesFresh = 2 * time.Second

// tlsFiles is what is read from the files of the settings of TLS.
type tlsFiles struct {
	certificate *watched[*tls.Certificate] // nil: TLS does not end here
	clientCAs   *watched[*x509.CertPool]   // nil: no authority vouches for clients
	asks        bool                       // for the certificates of clients
}

// openTLS reads the files, each of which has to be good.
func openTLS(s config.Settings, logger *slog.Logger) (tlsFiles, error) {
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

func parseKeyPair(contents [][]byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(contents[0], contents[1])
	return &pair, err
}

func parseAuthorities(contents [][]byte) (*x509.CertPool, error) {
	ders, err := assertions.ParseCertificates(contents[0])
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, der := range ders {
		authority, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		pool.AddCert(authority)
	}
	return pool, nil
}

// watched is a value that is read from files, and read again when they have changed.
// Files that became bad are reported once and leave the value as it was: whoever
// replaces two of them cannot do so at once.
type watched[T any] struct {
	settings []string // the flags, for errors
	names    []string // the files, in the order in which parse takes their contents
	parse    func(contents [][]byte) (T, error)
	now      func() time.Time
	logger   *slog.Logger

	mu       sync.Mutex
	looked   time.Time
	contents [][]byte
	value    T
	failure  string // that was reported
}

// load reads the files for the first time.
func (w *watched[T]) load() error {
	contents, err := w.read()
	if err != nil {
		return err
	}
	value, err := w.parse(contents)
	if err != nil {
		return w.fault(err)
	}
	w.looked, w.contents, w.value = w.now(), contents, value
	return nil
}

// get returns what the files held when they were last good, at most filesFresh ago.
func (w *watched[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if now.Sub(w.looked) < filesFresh && !now.Before(w.looked) {
		return w.value
	}
	w.looked = now
	contents, err := w.read()
	if err == nil {
		if slices.EqualFunc(contents, w.contents, bytes.Equal) {
			w.failure = ""
			return w.value
		}
		var value T
		if value, err = w.parse(contents); err == nil {
			w.contents, w.value, w.failure = contents, value, ""
			w.logger.Info("files of TLS are read again", "settings", w.settings)
			return w.value
		}
		err = w.fault(err)
	}
	if w.failure != err.Error() {
		w.failure = err.Error()
		w.logger.Error("files of TLS cannot be used: what they held before stays in force", "error", err)
	}
	return w.value
}

func (w *watched[T]) read() ([][]byte, error) {
	contents := make([][]byte, 0, len(w.names))
	for i, name := range w.names {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read: %w", w.settings[i], err)
		}
		contents = append(contents, content)
	}
	return contents, nil
}

func (w *watched[T]) fault(err error) error {
	if len(w.settings) == 1 {
		return fmt.Errorf("%s %s: %w", w.settings[0], w.names[0], err)
	}
	return fmt.Errorf("%s %s with %s %s: %w", w.settings[0], w.names[0], w.settings[1], w.names[1], err)
}
