package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// TLSHere reports whether TLS ends at this server.
func (s Settings) TLSHere() bool { return s.TLSCertificateFile != "" }

// AsksForCertificates reports whether clients are asked for a certificate where TLS
// ends here.
func (s Settings) AsksForCertificates() bool {
	return s.TLSHere() && (s.TLSClientAuth || s.TLSClientCAFile != "")
}

// TakesCertificates reports whether the certificate of a client can reach this
// server at all.
func (s Settings) TakesCertificates() bool {
	return s.AsksForCertificates() || len(s.ClientCertProxy) > 0
}

// ClientCertProxies are the networks of client-cert-proxy. IPv4 addresses are
// written as such, whatever socket they come through.
func (s Settings) ClientCertProxies() ([]netip.Prefix, error) {
	var proxies []netip.Prefix
	for _, text := range s.ClientCertProxy {
		proxy, err := parseNetwork(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		proxies = append(proxies, proxy)
	}
	return proxies, nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	malformed := fmt.Errorf("client-cert-proxy holds %q: write an address or a network, such as 10.0.0.7 or 10.0.0.0/24", text)
	if address, err := netip.ParseAddr(text); err == nil {
		address = address.Unmap().WithZone("")
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	switch {
	case err != nil || network.Addr().Is4In6():
		return netip.Prefix{}, malformed
	case network != network.Masked():
		return netip.Prefix{}, fmt.Errorf("client-cert-proxy holds %s, which has bits beyond its length: write %s, or a single address without the length", text, network.Masked())
	case network.Bits() == 0:
		return netip.Prefix{}, fmt.Errorf("client-cert-proxy holds %s, which is everybody: anyone could claim to be any client; name the proxies", text)
	}
	return network, nil
}

// checkTLS looks at what belongs together. The files are read by who serves.
func (s Settings) checkTLS(mode Mode) error {
	if mode == Command { // a command serves nobody
		return nil
	}
	if _, err := s.ClientCertProxies(); err != nil {
		return err
	}
	switch {
	case s.TLSCertificateFile != "" && s.TLSKeyFile == "":
		return errors.New("tls-certificate-file is set without tls-key-file: TLS needs both, or neither")
	case s.TLSCertificateFile == "" && s.TLSKeyFile != "":
		return errors.New("tls-key-file is set without tls-certificate-file: TLS needs both, or neither")
	case mode == Dev && s.TLSHere():
		return errors.New("tls-certificate-file is set and dev answers in plain http: remove it, or use serve")
	case s.TLSClientAuth && !s.TLSHere():
		return errors.New("tls-client-auth is set without tls-certificate-file: certificates are asked for where TLS ends; behind a proxy set client-cert-proxy alone")
	case s.TLSClientCAFile != "" && !s.TakesCertificates():
		return errors.New("tls-client-ca-file is set and no certificate reaches this server: set tls-certificate-file and tls-key-file, or client-cert-proxy")
	}
	return nil
}
