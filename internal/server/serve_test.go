package server

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"authserver/internal/config"
)

func settings(t *testing.T) config.Server {
	return config.Server{
		Identity: config.Identity{Listen: "127.0.0.1:0", Issuer: "https://auth.example.com"}, Ops: config.Ops{OpsListen: "127.0.0.1:0"},
		Load: config.Load{MaxConnections: 100}, Drain: config.Drain{DrainTimeout: 5 * time.Second},
		Database: config.Database{DatabaseURL: config.NewSecret("sqlite:" + filepath.Join(t.TempDir(), "authserver.db"))},
		Sealing:  config.Sealing{MasterKey: config.NewSecret("c2VjcmV0IG1hc3RlciBrZXkgb2YgdGhpcnR5IHR3byE=")},
		Timeline: config.Timeline{KeyRotationInterval: time.Hour, JWKSMaxAge: time.Minute, KeyPollInterval: time.Second},
		Clocks:   config.Clocks{ClockSkew: time.Second}, AccessTokens: config.AccessTokens{MaxAccessTokenTTL: time.Hour},
		NewResources: config.NewResources{DefaultAccessTokenTTL: time.Minute},
		Passwords:    config.Passwords{BcryptCost: 4}, Logins: config.Logins{PasswordQueue: 1},
	}
}

// A server that was stopped leaves nothing running: no loop, no watcher, no connection.
func TestServeLeavesNothingBehind(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	at, stop := start(t, settings(t))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, target := range []string{"http://" + at[0] + "/readyz", "http://" + at[1] + "/metrics"} {
		answer, err := client.Get(target)
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d (%v)", target, answer.StatusCode, err)
		}
	}
	stop()
}

// start starts a server. Its addresses are those of the public and the ops listener. The returned
// function stops it and waits until it has ended.
func start(t *testing.T, s config.Server) (at [2]string, stop func()) {
	t.Helper()
	return startWith(t, s, ServeOptions{})
}

func startWith(t *testing.T, s config.Server, o ServeOptions) (at [2]string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	addresses := make(chan [2]string, 1)
	ended := make(chan error, 1)
	go func() {
		o.Version, o.Stderr, o.Ready = "test", io.Discard, func(public, ops string) { addresses <- [2]string{public, ops} }
		ended <- Serve(ctx, s, o)
	}()
	select {
	case at = <-addresses:
	case err := <-ended:
		t.Fatalf("it ended before it listened: %v", err)
	}
	return at, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
	}
}

// A fault of the settings stops the start, with a message that names them.
func TestServeRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(s *config.Server)
		want   string
	}{
		{"an address of another machine", func(s *config.Server) { s.OpsListen = "192.0.2.1:1" }, "--ops-listen"},
		{"a timeline that cannot be kept", func(s *config.Server) { s.KeyRotationInterval = time.Second }, "key-rotation-interval"},
		{"no master key", func(s *config.Server) { s.MasterKey = config.Secret{} }, "--master-key-file"},
		{"a certificate of TLS that is not there", func(s *config.Server) { s.TLSCertificateFile, s.TLSKeyFile = "/nowhere/c.pem", "/nowhere/k.pem" }, "--tls-certificate-file"},
		{"a certificate of TLS that is none", func(s *config.Server) { s.TLSCertificateFile, s.TLSKeyFile = "tls.go", "tls.go" }, "--tls-certificate-file tls.go with --tls-key-file tls.go"},
		{"authorities that are none", func(s *config.Server) { s.ClientCertProxy, s.TLSClientCAFile = []string{"10.0.0.7"}, "tls.go" }, "--tls-client-ca-file tls.go: it is not a certificate in PEM"},
		{"a folder that is not there", func(s *config.Server) { s.DatabaseURL = config.NewSecret("sqlite:/nowhere/at/all.db") }, "--database-url"},
		{"a schema that was not made", func(s *config.Server) { s.NoMigrate = true }, "schema version 0 and this binary needs 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := settings(t)
			test.change(&s)
			err := Serve(t.Context(), s, ServeOptions{Stderr: io.Discard})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one that names %s", err, test.want)
			}
		})
	}
}
