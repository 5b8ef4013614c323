// Command resourceserver is an API that takes the access tokens of an authorization
// server: GET /orders wants the scope read.
package main

import (
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

func main() {
	listen := flag.String("listen", "127.0.0.1:8081", "address to serve on")
	issuer := flag.String("issuer", "http://127.0.0.1:8080", "the authorization server")
	audience := flag.String("audience", "https://api.example.com", "the identifier of this API")
	flag.Parse()
	if err := run(*listen, *issuer, *audience); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(listen, issuer, audience string) error {
	tokens, err := verifier.New(issuer, audience, verifier.Options{Log: slog.Default()})
	if err != nil {
		return err
	}
	defer tokens.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /orders", tokens.Middleware(verifier.Requirements{Scopes: []string{"read"}})(http.HandlerFunc(orders)))
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Println("listening on", listener.Addr())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func orders(w http.ResponseWriter, r *http.Request) {
	token, _ := verifier.FromContext(r.Context())
	fmt.Fprintf(w, "the orders of %s\n", token.Subject)
}
