// Command webapp is a web application to which people sign in. Everything that concerns
// authserver is in signin.go.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	app := &app{sessions: map[string]*session{}, now: time.Now}
	listen := ""
	flag.StringVar(&listen, "listen", "127.0.0.1:8090", "address to serve on")
	flag.StringVar(&app.issuer, "issuer", "http://127.0.0.1:8080", "the authorization server")
	flag.StringVar(&app.clientID, "client-id", "demo-app", "the client that this application is there")
	flag.Parse()
	if app.secret = os.Getenv("CLIENT_SECRET"); app.secret == "" {
		app.secret = "demo-secret" // of the client demo-app of authserver dev, and public
	}
	if err := run(app, listen); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(app *app, listen string) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	app.url = "http://" + listener.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", app.home)
	mux.HandleFunc("GET /login", app.login)
	mux.HandleFunc("GET /callback", app.callback)
	mux.HandleFunc("POST /refresh", app.refresh)
	mux.HandleFunc("POST /logout", app.logout)
	slog.Info("serving", "url", app.url)
	server := &http.Server{
		Handler:     http.NewCrossOriginProtection().Handler(mux), // refuses forms of other sites
		ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
	}
	return server.Serve(listener)
}
