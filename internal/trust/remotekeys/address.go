package remotekeys

import (
	"fmt"
	"net/netip"

	"code.dny.dev/ssrf"
)

// addresses decides which addresses the server may connect to: those on the public internet.
// A private or loopback address or a cloud's metadata service could give its secrets to the
// party that chose the URL (RFC 9700 §4.11).
type addresses struct {
	public   *ssrf.Guardian // knows the special networks of RFC 6890 and its registries
	loopback bool           // loopback addresses are allowed too
}

func newAddresses(loopback bool) addresses {
	azure := netip.MustParsePrefix("168.63.129.16/32") // the metadata of its machines, at an address that looks public
	return addresses{
		public: ssrf.New(
			ssrf.WithAnyPort(),
			ssrf.WithDeniedV4Prefixes(azure),
			ssrf.WithAllowedV6Prefixes(ssrf.IPv6NAT64Prefix), // check looks at the address behind it, too
		),
		loopback: loopback,
	}
}

// check returns an error for an address, with a port, that the server may not connect to.
func (a addresses) check(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("the address %s cannot be read", address)
	}
	ip := at.Addr().WithZone("").Unmap()
	if a.loopback && ip.IsLoopback() {
		return nil
	}
	if a.public.SafeAddr(ip) != nil || a.public.SafeAddr(translated(ip)) != nil {
		return &refused{fmt.Sprintf("the address %s is not a public one: allow the host with fetch-allow-host if it is meant", ip)}
	}
	return nil
}

// translated is the IPv4 address behind an address of NAT64 (RFC 6052), or the address itself.
func translated(ip netip.Addr) netip.Addr {
	if !ssrf.IPv6NAT64Prefix.Contains(ip) {
		return ip
	}
	b := ip.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}
