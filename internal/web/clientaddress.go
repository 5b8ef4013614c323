package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// Bounds on the headers of proxies. The server does not read beyond them.
const (
	maxHops      = 32      // addresses of one request
	maxHop       = 128     // bytes of an address
	maxForwarded = 4 << 10 // bytes of a line of Forwarded
	shareBits    = 64      // of an IPv6 address: a subscriber has at least a /64 (RFC 6177 §2)
)

// Proxies are the networks of the proxies that the server trusts to name the client of a request
// that they forward. IPv4 networks are written as IPv4, even if the socket is IPv6.
type Proxies []netip.Prefix

// Contain reports whether the peer of a connection (http.Request.RemoteAddr) is one of the proxies.
func (p Proxies) Contain(remote string) bool {
	peer, err := netip.ParseAddrPort(remote)
	return err == nil && p.trust(plain(peer.Addr()))
}

func (p Proxies) trust(address netip.Addr) bool {
	for _, network := range p {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// ClientAddress is the address from which a request comes.
type ClientAddress struct {
	// Text is the address of the client, without port and zone, such as "203.0.113.9".
	Text string
	// Share is the key by which the requests of one client are counted: its address, or for IPv6
	// its network of 64 bits, in which a client can choose any address.
	Share string
	// Proxy is the address of the trusted proxy that sent the request; "": there was no proxy.
	Proxy string
}

// ClientAddress returns the address of the client: the right-most address in X-Forwarded-For or
// Forwarded (RFC 7239) that is not the address of a trusted proxy.
//
// Each proxy on the way adds the address of its own peer on the right, so the client can choose
// everything to the left of the first untrusted address, and the server does not read that. If a
// trusted proxy adds something other than an address ("unknown", RFC 7239 §6.2), the request counts
// as that proxy's own. The same holds if both headers are there and differ: the proxy writes one of
// them, and the client may have written the other.
func (p Proxies) ClientAddress(r *http.Request) ClientAddress {
	connected, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil { // no address of the Internet
		return ClientAddress{Text: r.RemoteAddr, Share: r.RemoteAddr}
	}
	peer := plain(connected.Addr())
	if !p.trust(peer) {
		return addressOf(peer, r.RemoteAddr)
	}
	client := peer
	lists, forwarded := r.Header["X-Forwarded-For"], r.Header["Forwarded"]
	switch {
	case len(forwarded) == 0:
		client = p.walk(peer, lists, listedHops)
	case len(lists) == 0:
		client = p.walk(peer, forwarded, forwardedHops)
	default:
		if one := p.walk(peer, lists, listedHops); one == p.walk(peer, forwarded, forwardedHops) {
			client = one
		}
	}
	address := addressOf(client, "")
	address.Proxy = peer.String()
	return address
}

// walk goes through the lines of a header from right to left, as long as it finds trusted proxies.
// It returns the address at which it ends.
func (p Proxies) walk(peer netip.Addr, lines []string, hops func(line string, of []netip.Addr) []netip.Addr) netip.Addr {
	var room [maxHops]netip.Addr
	last, left := peer, maxHops
	for i := len(lines) - 1; i >= 0; i-- {
		found := hops(lines[i], room[:0])
		for _, hop := range found {
			if left--; left < 0 || !hop.IsValid() {
				return last
			}
			if last = hop; !p.trust(hop) {
				return last
			}
		}
		if len(found) == 0 { // a line without an address still ends the walk
			return last
		}
	}
	return last
}

// listedHops reads a line of X-Forwarded-For, from right to left. An entry that is not an address
// gives the zero address.
func listedHops(line string, hops []netip.Addr) []netip.Addr {
	for more := true; more && len(hops) < maxHops; {
		element := line
		if comma := strings.LastIndexByte(line, ','); comma >= 0 {
			line, element = line[:comma], line[comma+1:]
		} else {
			more = false
		}
		hop := parseHop(unquoted(strings.Trim(element, " \t")))
		if hops = append(hops, hop); !hop.IsValid() {
			break
		}
	}
	return hops
}

// unquoted removes the quotes that some proxies put around an address.
func unquoted(text string) string {
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		return text[1 : len(text)-1]
	}
	return text
}

// parseHop reads an address with or without a port, an IPv6 address with or without brackets. Any
// other text gives the zero address.
func parseHop(text string) netip.Addr {
	if len(text) > maxHop {
		return netip.Addr{}
	}
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		text = strings.TrimSuffix(inner, "]")
		if !strings.Contains(text, ":") { // only IPv6 has brackets
			return netip.Addr{}
		}
	}
	if address, err := netip.ParseAddr(text); err == nil {
		return plain(address)
	}
	withPort, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.Addr{}
	}
	return plain(withPort.Addr())
}

// plain is the form of an address that is compared: an IPv4-mapped address as IPv4, and without the
// zone, which has a meaning on one machine only.
func plain(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }

// addressOf writes an address. It reuses the text of remote if the address was read from it, as for
// most requests.
func addressOf(address netip.Addr, remote string) ClientAddress {
	text, _, found := strings.Cut(remote, ":")
	if !found || !address.Is4() || text == "" || text[0] == '[' {
		text = address.String()
	}
	if address.Is4() {
		return ClientAddress{Text: text, Share: text}
	}
	network, _ := address.Prefix(shareBits) // an IPv6 address has as many
	return ClientAddress{Text: text, Share: network.String()}
}
