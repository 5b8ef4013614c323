package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// TrustedProxies are the networks of trusted-proxy. IPv4 addresses are written as
// such, whatever socket they come through.
func (s Settings) TrustedProxies() ([]netip.Prefix, error) {
	return parseNetworks("trusted-proxy", s.TrustedProxy, "every caller could choose its address")
}

// ClientCertProxies are the networks of client-cert-proxy, in the same form.
func (s Settings) ClientCertProxies() ([]netip.Prefix, error) {
	return parseNetworks("client-cert-proxy", s.ClientCertProxy, "every caller could claim to be any client")
}

// checkProxies reads the lists for the first time.
func (s Settings) checkProxies(mode Mode) error {
	if mode == Command { // a command serves no request
		return nil
	}
	_, trusted := s.TrustedProxies()
	_, certificates := s.ClientCertProxies()
	return errors.Join(trusted, certificates)
}

func parseNetworks(setting string, texts []string, risk string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range texts {
		network, err := parseNetwork(strings.TrimSpace(text), risk)
		if err != nil {
			return nil, fmt.Errorf("%s holds %w", setting, err)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// parseNetwork reads a network, or a single address. Its errors go on after "holds".
func parseNetwork(text, risk string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		address = address.Unmap().WithZone("")
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	switch {
	case err != nil || network.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%q: write an address or a network, such as 10.0.0.7 or 10.0.0.0/24", text)
	case network != network.Masked():
		return netip.Prefix{}, fmt.Errorf("%s, which has bits beyond its length: write %s, or a single address without the length", text, network.Masked())
	case network.Bits() == 0:
		return netip.Prefix{}, fmt.Errorf("%s, which is every address: %s; name the proxies", text, risk)
	}
	return network, nil
}
