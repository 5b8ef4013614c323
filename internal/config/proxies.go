package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// Proxies names the proxies in front of the server.
type Proxies struct {
	TrustedProxy []string `name:"trusted-proxy" setting:"flag env file" group:"Server" placeholder:"CIDR" help:"Networks or addresses, separated by commas, of the proxies whose X-Forwarded-For or Forwarded names the address of the client. Without it the server reads neither header."`
}

func (p *Proxies) complete(*completion) []error {
	_, err := p.TrustedProxies()
	return present(err)
}

// TrustedProxies are the networks of trusted-proxy. IPv4 addresses are in IPv4 form, also on an
// IPv6 socket.
func (p *Proxies) TrustedProxies() ([]netip.Prefix, error) {
	return parseNetworks("trusted-proxy", p.TrustedProxy, "every caller could choose its address")
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
