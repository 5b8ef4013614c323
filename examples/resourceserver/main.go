// Command resourceserver is an API that accepts the access tokens of an authorization server: GET
// /orders requires the scope read. Over TLS it also accepts tokens that are bound to the client's
// certificate.
package main

import (
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"authserver/verifier"
)

type settings struct {
	listen, issuer, issuerCA, audience, baseURL, certificate, key string
}

func main() {
	var s settings
	flag.StringVar(&s.listen, "listen", "127.0.0.1:8081", "address to serve on")
	flag.StringVar(&s.issuer, "issuer", "http://127.0.0.1:8080", "the authorization server")
	flag.StringVar(&s.issuerCA, "issuer-ca-file", "", "authorities that certify the authorization server, in PEM; empty: those of the system")
	flag.StringVar(&s.audience, "audience", "https://api.example.com", "the identifier of this API")
	flag.StringVar(&s.baseURL, "base-url", "", "URL at which clients reach this API, for DPoP; empty: the audience, if that is a URL")
	flag.StringVar(&s.certificate, "tls-certificate-file", "", "certificate of this API, in PEM; empty: serve plain http")
	flag.StringVar(&s.key, "tls-key-file", "", "its private key, in PEM")
	flag.Parse()
	if err := run(s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(s settings) error {
	if (s.certificate == "") != (s.key == "") {
		return errors.New("-tls-certificate-file and -tls-key-file go together")
	}
	client, err := s.clientOfIssuer()
	if err != nil {
		return err
	}
	tokens, err := verifier.New(s.issuer, s.audience, verifier.Options{
		BaseURL: s.baseURL, HTTPClient: client, Log: slog.Default(),
	})
	if err != nil {
		return err
	}
	defer tokens.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /orders", tokens.Middleware(verifier.Requirements{Scopes: []string{"read"}})(http.HandlerFunc(orders)))
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return err
	}
	fmt.Println("listening on", listener.Addr())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, TLSConfig: verifier.TLSConfig()}
	if s.certificate != "" {
		err = server.ServeTLS(listener, s.certificate, s.key)
	} else {
		err = server.Serve(listener)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// clientOfIssuer returns a client that trusts the authorities in -issuer-ca-file. It returns nil if
// there are none: then the authorities of the system certify the authorization server.
func (s settings) clientOfIssuer() (*http.Client, error) {
	if s.issuerCA == "" {
		return nil, nil
	}
	authorities, err := os.ReadFile(s.issuerCA)
	if err != nil {
		return nil, err
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", s.issuerCA)
	}
	config := verifier.TLSConfig()
	config.RootCAs = trusted
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config}}, nil
}

func orders(w http.ResponseWriter, r *http.Request) {
	token, _ := verifier.FromContext(r.Context())
	fmt.Fprintf(w, "the orders of %s\n", token.Subject)
}
