//go:build interop

package interop

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"path/filepath"
	"testing"

	"authserver/test/harness"
	"authserver/test/ports"
)

// certified is the registration of clients with certificates instead of secrets.
type certified struct {
	Issuer    string                     `json:"issuer"`
	Authority string                     `json:"authority"` // in PEM, of the server's certificate
	Resource  string                     `json:"resource"`
	Clients   map[string]certifiedClient `json:"clients"` // by their method
}

type certifiedClient struct {
	ID          string `json:"id"`
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

// A server that terminates TLS knows these clients only by their certificates.
func TestForeignClientsWithCertificates(t *testing.T) {
	i := install(t)
	p := program{"oauth4webapi", []string{"node", filepath.Join(i.nodeFolder(t, "node/checks.mjs", "node/mtls.mjs"), "mtls.mjs")}, certificates()}
	harness.OnBoth(t, func(t *testing.T, d *harness.Deployment) { p.run(t, registerCertified(t, d)) })
}

func registerCertified(t *testing.T, d *harness.Deployment) certified {
	t.Helper()
	server, serverKey := harness.Certify(t, x509.Certificate{Subject: pkix.Name{CommonName: "server"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, nil, nil)
	authority, authorityKey := harness.Certify(t, x509.Certificate{
		Subject: pkix.Name{CommonName: "Clients CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	client := x509.Certificate{Subject: pkix.Name{CommonName: "client"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	byAuthority, byAuthorityKey := harness.Certify(t, client, authority, authorityKey)
	bySelf, bySelfKey := harness.Certify(t, client, nil, nil)

	address := ports.Address(t)
	c := certified{
		Issuer: "https://" + address, Authority: harness.CertificatePEM(server.Raw), Resource: "https://api.example.com",
		Clients: map[string]certifiedClient{
			"tls_client_auth":             {"by-authority", harness.CertificatePEM(byAuthority.Raw), harness.KeyPEM(t, byAuthorityKey)},
			"self_signed_tls_client_auth": {"by-self", harness.CertificatePEM(bySelf.Raw), harness.KeyPEM(t, bySelfKey)},
		},
	}
	d.Set("LISTEN", address)
	d.Set("ISSUER", c.Issuer)
	d.Set("TLS_CERTIFICATE_FILE", d.File("server.pem", c.Authority))
	d.Set("TLS_KEY_FILE", d.File("server-key.pem", harness.KeyPEM(t, serverKey)))
	d.Set("TLS_CLIENT_CA_FILE", d.File("clients-ca.pem", harness.CertificatePEM(authority.Raw)))
	start(t, d)
	d.Run("resource", "create", "--id", c.Resource, "--scope", "read")
	proofs := map[string][]string{
		"tls_client_auth":             {"--tls-subject-dn", "CN=client"},
		"self_signed_tls_client_auth": {"--certificate-file", d.File("by-self.pem", harness.CertificatePEM(bySelf.Raw))},
	}
	for method, proof := range proofs {
		d.Run(append([]string{"client", "create", "--id", c.Clients[method].ID, "--auth-method", method, "--grant", "client_credentials",
			"--scope", "read", "--resource", c.Resource}, proof...)...)
	}
	return c
}
