package server

import (
	"crypto/rand"
	"time"

	"authserver/internal/admin"
	"authserver/internal/demo"
)

// openDemo adds the app that dev shows to a server that listens at an address.
func (d *listenerHandlers) openDemo(address string) error {
	app, err := demo.New(demo.Options{
		Issuer: d.issuer, Server: address, ClientID: admin.DemoWebClient, Home: admin.DemoWebHome, API: admin.DemoResource,
		Scopes:   []string{"openid", "profile", "email", "read", "write"},
		Username: admin.DemoUser, Password: admin.DemoPassword,
		Pages: d.endpoints.SignIn.Pages, Now: time.Now, Rand: rand.Reader,
	})
	if err != nil {
		return err
	}
	d.demo = app.Routes()
	return nil
}
