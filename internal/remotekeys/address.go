package remotekeys

import (
	"fmt"
	"net/netip"

	"code.dny.dev/ssrf"
)

// addresses tells which addresses may be connected to: those on the public internet, and
// no private or loopback one or a cloud's metadata service, which would tell its secrets
// to whoever makes us ask (RFC 9700 §4.11 speaks of the like).
type addresses struct {
	public   *ssrf.Guardian // has the special networks of RFC 6890 and its registries
	loopback bool           // is allowed too
}

func newAddresses(loopback bool) addresses {
	azure := netip.MustParsePrefix("168.63.129.16/32") // where its machines are told what they run: public by number alone
	return addresses{
		public: ssrf.New(
			ssrf.WithAnyPort(),
			ssrf.WithDeniedV4Prefixes(azure),
			ssrf.WithAllowedV6Prefixes(ssrf.IPv6NAT64Prefix), // what it leads to is looked at as well
		),
		loopback: loopback,
	}
}

// check refuses an address with a port that may not be connected to.
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
		return &refused{fmt.Sprintf("the address %s is not a public one: allow the host with --fetch-allow-host if it is meant", ip)}
	}
	return nil
}

// translated is the IPv4 address to which NAT64 leads (RFC 6052), or else the address
// itself.
func translated(ip netip.Addr) netip.Addr {
	if !ssrf.IPv6NAT64Prefix.Contains(ip) {
		return ip
	}
	b := ip.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}
