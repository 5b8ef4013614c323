package remotekeys

import (
	"fmt"
	"net/netip"
)

// notPublic returns the networks that no issuer on the internet has its keys in
// (RFC 6890 and its registries, and the address at which Azure talks to its machines),
// beside those that [netip.Addr] knows itself.
func notPublic() []netip.Prefix {
	var networks []netip.Prefix
	for _, network := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "168.63.129.16/32", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "3fff::/20",
	} {
		networks = append(networks, netip.MustParsePrefix(network))
	}
	return networks
}

// checkAddress refuses an address that is not on the public internet: a private or
// loopback one, or a cloud's metadata service, which would tell its secrets to
// whoever makes us ask (RFC 9700 §4.11 speaks of the like).
func checkAddress(address string, loopback bool) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("the address %s cannot be read", address)
	}
	ip := at.Addr().WithZone("").Unmap()
	if loopback && ip.IsLoopback() {
		return nil
	}
	if public(ip) && public(embedded(ip)) {
		return nil
	}
	return &refused{fmt.Sprintf("the address %s is not a public one: allow the host with --fetch-allow-host if it is meant", ip)}
}

func public(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() { // not loopback, link-local, multicast, unspecified, 169.254.169.254
		return false
	}
	if ip.Is6() && !netip.MustParsePrefix("2000::/3").Contains(ip) && !nat64().Contains(ip) {
		return false // the rest of IPv6 is not given to anybody
	}
	for _, network := range notPublic() {
		if network.Contains(ip) {
			return false
		}
	}
	return true
}

func nat64() netip.Prefix { return netip.MustParsePrefix("64:ff9b::/96") }

// embedded is the IPv4 address that an address of NAT64 (RFC 6052) or 6to4 (RFC 3056)
// leads to, or else the address itself.
func embedded(ip netip.Addr) netip.Addr {
	if !ip.Is6() {
		return ip
	}
	b := ip.As16()
	switch {
	case nat64().Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:]))
	case netip.MustParsePrefix("2002::/16").Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return ip
}
