package config

import (
	"errors"
	"net/netip"
)

// TLS has the settings for TLS, and for the certificates of clients.
type TLS struct {
	TLSCertificateFile string   `name:"tls-certificate-file" setting:"flag env file" group:"TLS" placeholder:"FILE" help:"Certificate chain of this server in PEM. With it, the public endpoints speak https. The server reads a changed file by itself."`
	TLSKeyFile         string   `name:"tls-key-file" setting:"flag env file" group:"TLS" placeholder:"FILE" help:"Private key of the certificate in PEM."`
	TLSClientAuth      bool     `name:"tls-client-auth" setting:"flag env file" group:"TLS" help:"Ask clients for a certificate in TLS, so that they can authenticate with one that is registered for them. tls-client-ca-file implies it."`
	TLSClientCAFile    string   `name:"tls-client-ca-file" setting:"flag env file" group:"TLS" placeholder:"FILE" help:"Certificates in PEM of the authorities that issue certificates to clients (tls_client_auth). The server reads a changed file by itself."`
	ClientCertProxy    []string `name:"client-cert-proxy" setting:"flag env file" group:"TLS" placeholder:"ADDRESS" help:"Addresses or networks, separated by commas, of the proxies that end TLS and send the certificate of the client in Client-Cert (RFC 9440). They must remove the headers Client-Cert and Client-Cert-Chain of the client."`
}

// TLSHere reports whether TLS ends at this server.
func (t *TLS) TLSHere() bool { return t.TLSCertificateFile != "" }

// AsksForCertificates reports whether the server asks clients for a certificate in TLS.
func (t *TLS) AsksForCertificates() bool {
	return t.TLSHere() && (t.TLSClientAuth || t.TLSClientCAFile != "")
}

// TakesCertificates reports whether client certificates can reach this server.
func (t *TLS) TakesCertificates() bool {
	return t.AsksForCertificates() || len(t.ClientCertProxy) > 0
}

// ClientCertProxies are the networks of client-cert-proxy, in the form of
// [Proxies.TrustedProxies].
func (t *TLS) ClientCertProxies() ([]netip.Prefix, error) {
	return parseNetworks("client-cert-proxy", t.ClientCertProxy, "every caller could claim to be any client")
}

// complete checks which settings belong together. The server reads the files when it starts.
func (t *TLS) complete(c *completion) []error {
	if c.mode == Command { // a command ends no TLS
		return nil
	}
	_, err := t.ClientCertProxies()
	return present(t.check(c.mode), err)
}

func (t *TLS) check(mode Mode) error {
	switch {
	case t.TLSCertificateFile != "" && t.TLSKeyFile == "":
		return errors.New("tls-certificate-file is set without tls-key-file: TLS needs both, or neither")
	case t.TLSCertificateFile == "" && t.TLSKeyFile != "":
		return errors.New("tls-key-file is set without tls-certificate-file: TLS needs both, or neither")
	case mode == Dev && t.TLSHere():
		return errors.New("tls-certificate-file is set and dev answers in plain http: remove it, or use serve")
	case t.TLSClientAuth && !t.TLSHere():
		return errors.New("tls-client-auth is set without tls-certificate-file: certificates are asked for where TLS ends; behind a proxy set client-cert-proxy alone")
	case t.TLSClientCAFile != "" && !t.TakesCertificates():
		return errors.New("tls-client-ca-file is set and no certificate reaches this server: set tls-certificate-file and tls-key-file, or client-cert-proxy")
	}
	return nil
}
