package web

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// forwardedHops reads a line of Forwarded (RFC 7239 §4): the parameter "for" of each of its
// elements, from the right to the left. The zero address stands for anything that is no address.
// The line is read from its beginning, because quotes may contain a comma. A malformed or too long
// line has no addresses.
func forwardedHops(line string, hops []netip.Addr) []netip.Addr {
	if len(line) > maxForwarded {
		return nil
	}
	for rest, more := line, true; more; {
		var hop netip.Addr
		var ok bool
		if hop, rest, more, ok = forwardedElement(rest); !ok {
			return nil
		}
		if len(hops) == maxHops { // the right-most count
			copy(hops, hops[1:])
			hops = hops[:maxHops-1]
		}
		hops = append(hops, hop)
	}
	slices.Reverse(hops)
	return hops
}

// forwardedElement reads an element, up to the comma after it: more says that there is one. An
// element without "for" names no address.
func forwardedElement(text string) (hop netip.Addr, rest string, more, ok bool) {
	named := false
	for {
		text = strings.TrimLeft(text, " \t")
		if text == "" || text[0] == ',' || text[0] == ';' { // an empty pair (RFC 7239 §4 allows it)
			if text != "" && text[0] == ';' {
				text = text[1:]
				continue
			}
			return hop, strings.TrimPrefix(text, ","), text != "", true
		}
		name, after, found := strings.Cut(text, "=")
		if !found || !httpguts.ValidHeaderFieldName(name) {
			return netip.Addr{}, "", false, false
		}
		value, after, ok := forwardedValue(after)
		if !ok {
			return netip.Addr{}, "", false, false
		}
		if strings.EqualFold(name, "for") {
			if named { // RFC 7239 §4: each parameter MUST NOT occur more than once
				return netip.Addr{}, "", false, false
			}
			hop, named = parseNode(value), true
		}
		after = strings.TrimLeft(after, " \t")
		if after != "" && after[0] != ',' && after[0] != ';' {
			return netip.Addr{}, "", false, false
		}
		text = after
	}
}

// forwardedValue reads a value and returns the rest of the line. Without quotes it may contain the
// colons and brackets of an address, as many proxies write it.
func forwardedValue(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ",; \t")
		if end < 0 {
			end = len(text)
		}
		value, rest = text[:end], text[end:]
		return value, rest, value != "" && !strings.ContainsAny(value, `"\`)
	}
	var plain strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return plain.String(), text[i+1:], true
		case '\\': // quoted-pair (RFC 9110 §5.6.4)
			if i++; i == len(text) {
				return "", "", false
			}
		}
		plain.WriteByte(text[i])
	}
	return "", "", false
}

// nodePort is a colon and a port, or an obfuscated port (RFC 7239 §6.3).
var nodePort = regexp.MustCompile(`^:(?:[0-9]{1,5}|_[A-Za-z0-9._-]+)$`)

// parseNode reads a node (RFC 7239 §6). It returns the zero address for "unknown", an obfuscated
// identifier, or a malformed node. IPv6 has brackets.
func parseNode(node string) netip.Addr {
	host, port := node, ""
	if end := strings.IndexByte(node, ']'); strings.HasPrefix(node, "[") && end > 0 {
		host, port = node[:end+1], node[end+1:]
	} else if colon := strings.IndexByte(node, ':'); colon >= 0 {
		host, port = node[:colon], node[colon:]
	}
	if port != "" && !nodePort.MatchString(port) {
		return netip.Addr{}
	}
	return parseHop(host)
}
