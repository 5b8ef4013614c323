package postgres_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"testing"

	"authserver/internal/store/postgres"
	"authserver/internal/testkit"
)

// The connection to the database is not weaker than those of the server itself (RFC 9325 §4.2),
// whether sslmode requires TLS or only prefers it.
func TestWeakTLS(t *testing.T) {
	certificate := httptest.NewTLSServer(nil)
	defer certificate.Close()
	// shake answers SSLRequest, and returns the result of the handshake.
	shake := func(sslmode string, config *tls.Config) error {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		config.Certificates = certificate.TLS.Certificates
		ctx, cancel := context.WithCancel(t.Context())
		went := make(chan error, 1)
		go func() {
			defer cancel() // the test ignores further attempts
			connection, err := listener.Accept()
			if err != nil {
				went <- err
				return
			}
			defer connection.Close()
			if _, err = io.ReadFull(connection, make([]byte, 8)); err == nil {
				_, err = connection.Write([]byte("S"))
			}
			if err == nil {
				err = tls.Server(connection, config).Handshake()
			}
			went <- err
		}()
		s, err := postgres.Open(ctx, postgres.Options{URL: "postgres://u:p@" + listener.Addr().String() + "/a?sslmode=" + sslmode})
		if err == nil { // the peer is not a PostgreSQL
			s.Close()
			t.Fatal("it was opened")
		}
		return <-went
	}
	for _, sslmode := range []string{"require", "prefer"} {
		for weakness, suites := range testkit.WeakSuites() {
			if err := shake(sslmode, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: suites}); err == nil {
				t.Errorf("with sslmode=%s a server of %s is spoken to", sslmode, weakness)
			}
		}
		if err := shake(sslmode, &tls.Config{MaxVersion: tls.VersionTLS12}); err != nil {
			t.Errorf("with sslmode=%s a server of TLS 1.2 is not spoken to: %v", sslmode, err)
		}
	}
}
