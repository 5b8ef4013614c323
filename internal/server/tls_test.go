package server

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"authserver/internal/bcp195"
	"authserver/internal/config"
	"authserver/internal/testkit"
)

// certify writes a self-signed certificate for 127.0.0.1 and its key into a folder.
func certify(t *testing.T, dir, name string) {
	t.Helper()
	certifyKey(t, dir, name, testkit.P256(t))
}

func certifyKey(t *testing.T, dir, name string, key crypto.Signer) {
	t.Helper()
	certificate := testkit.SelfSigned(t, x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, key)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
	write(t, filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// overTLS returns the settings of a server at which TLS ends, with files of its own.
func overTLS(t *testing.T) (config.Server, string) {
	t.Helper()
	s, dir := settings(t), t.TempDir()
	certify(t, dir, "first")
	s.TLSCertificateFile, s.TLSKeyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	return s, dir
}

// The server supports both protocols of ALPN, and neither TLS 1.1 nor plain http. The ops listener
// stays at plain http, which health checks of the same machine use.
func TestServeOverTLS(t *testing.T) {
	s, dir := overTLS(t)
	at, stop := start(t, s)
	defer stop()
	roots := x509.NewCertPool()
	certificate, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
	if err != nil || !roots.AppendCertsFromPEM(certificate) {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, target string
		protocols    []string
		most         uint16 // version of TLS
		want         string // "": no answer
	}{
		{"HTTP/2", "https://" + at[0], []string{"h2", "http/1.1"}, tls.VersionTLS13, "HTTP/2.0"},
		{"HTTP/1.1", "https://" + at[0], []string{"http/1.1"}, tls.VersionTLS13, "HTTP/1.1"},
		{"TLS 1.2", "https://" + at[0], []string{"h2"}, tls.VersionTLS12, "HTTP/2.0"},
		{"TLS 1.1", "https://" + at[0], []string{"h2"}, tls.VersionTLS11, ""},
		{"the ops listener", "http://" + at[1], nil, 0, "HTTP/1.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			transport := &http.Transport{
				DisableKeepAlives: true, ForceAttemptHTTP2: len(test.protocols) > 0 && test.protocols[0] == "h2",
				TLSClientConfig: &tls.Config{RootCAs: roots, NextProtos: test.protocols, MinVersion: tls.VersionTLS10, MaxVersion: test.most},
			}
			defer transport.CloseIdleConnections()
			answer, err := (&http.Client{Transport: transport}).Get(test.target + "/readyz")
			if err != nil {
				if test.want != "" {
					t.Fatal(err)
				}
				return
			}
			defer answer.Body.Close()
			if answer.Proto != test.want || answer.StatusCode != http.StatusOK {
				t.Errorf("it answers %d by %s, want %q", answer.StatusCode, answer.Proto, test.want)
			}
		})
	}
}

// The server uses TLS 1.2 only with ephemeral keys and authenticated encryption, with any
// certificate (RFC 9325 §4.2).
func TestSuites(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"RSA": rsaKey, "P-256": testkit.P256(t)} {
		t.Run(name, func(t *testing.T) {
			s, dir := overTLS(t)
			certifyKey(t, dir, name, key)
			at, stop := start(t, s)
			defer stop()
			dial := func(c *tls.Config) error {
				c.InsecureSkipVerify, c.MinVersion = true, tls.VersionTLS10
				connection, err := tls.Dial("tcp", at[0], c)
				if err != nil {
					return err
				}
				return connection.Close()
			}
			for weakness, suites := range testkit.WeakSuites() {
				if err := dial(&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: suites}); err == nil || !strings.Contains(err.Error(), "handshake failure") {
					t.Errorf("a client of %s gets %v", weakness, err)
				}
			}
			for _, suite := range bcp195.Config().CipherSuites {
				if ofRSA := strings.Contains(tls.CipherSuiteName(suite), "_ECDHE_RSA_"); ofRSA != (key == rsaKey) {
					continue
				}
				if err := dial(&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}}); err != nil {
					t.Errorf("a client of %s gets %v", tls.CipherSuiteName(suite), err)
				}
			}
			if err := dial(&tls.Config{MinVersion: tls.VersionTLS13}); err != nil {
				t.Errorf("a client of TLS 1.3 gets %v", err)
			}
			if err := dial(&tls.Config{MaxVersion: tls.VersionTLS11}); err == nil {
				t.Error("a client of TLS 1.1 is served")
			}
		})
	}
}

// The settings decide whether the server asks clients for a certificate. It names no authority,
// because that would exclude self-signed certificates.
func TestWhetherClientsAreAsked(t *testing.T) {
	for _, asks := range []bool{false, true} {
		s, _ := overTLS(t)
		s.TLSClientAuth = asks
		files, err := openTLS(s.TLS, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		server, client := net.Pipe()
		go func() {
			_ = tls.Server(server, files.config()).Handshake() // the client has the result
			_ = server.Close()
		}()
		asked := false
		err = tls.Client(client, &tls.Config{
			InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, // the server ends the handshake
			GetClientCertificate: func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if asked = true; len(info.AcceptableCAs) > 0 {
					t.Errorf("authorities are named: %d", len(info.AcceptableCAs))
				}
				return new(tls.Certificate), nil
			},
		}).Handshake()
		if err != nil || asked != asks {
			t.Errorf("asked: %t, want %t (%v)", asked, asks, err)
		}
	}
}

// A replaced certificate is used without a restart. Files that do not fit each other are reported
// once, and change nothing.
func TestCertificatesAreReadAgain(t *testing.T) {
	s, dir := overTLS(t)
	var log bytes.Buffer
	files, err := openTLS(s.TLS, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	files.certificate.now = func() time.Time { return now }
	subject := func() string {
		t.Helper()
		certificate, err := files.config().GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return certificate.Leaf.Subject.CommonName
	}
	certify(t, dir, "second")
	if got := subject(); got != "first" {
		t.Errorf("at once it is the %s", got)
	}
	now = now.Add(2 * filesFresh)
	if got := subject(); got != "second" {
		t.Errorf("later it is the %s", got)
	}
	write(t, filepath.Join(dir, "key.pem"), []byte("half a k"))
	for range 3 {
		now = now.Add(2 * filesFresh)
		if got := subject(); got != "second" {
			t.Errorf("with a broken key it is the %s", got)
		}
	}
	if got := strings.Count(log.String(), "cannot be used"); got != 1 || strings.Contains(log.String(), "half a k") {
		t.Errorf("the log is\n%s", log.String())
	}
	certify(t, dir, "third")
	now = now.Add(2 * filesFresh)
	if got := subject(); got != "third" {
		t.Errorf("after the repair it is the %s", got)
	}
}
