package harness

import "testing"

// DevIssuer is the issuer of a server that Dev starts: the default of `authserver dev`.
const DevIssuer = "http://127.0.0.1:8080"

// Dev starts `authserver dev` in an empty folder, on ports of its own. Every other setting has its
// default, except the given flags.
func Dev(t testing.TB, flags ...string) (*Deployment, *Server) {
	t.Helper()
	d := &Deployment{t: t, Dir: t.TempDir(), Engine: "sqlite"}
	d.Set("LISTEN", "127.0.0.1:0")
	d.Set("OPS_LISTEN", "127.0.0.1:0")
	d.Set("ISSUER", DevIssuer) // otherwise it follows from the port
	d.Set("LOG_FORMAT", "json")
	s := d.start(append([]string{"dev"}, flags...)...)
	return d, s
}
