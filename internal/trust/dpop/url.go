package dpop

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// normalise returns the normal form of a URL without its query and fragment: equivalent URLs have
// the same normal form (RFC 3986 §6.2.2, §6.2.3; RFC 9449 §4.3).
func normalise(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.User != nil || u.Hostname() == "" {
		return "", fmt.Errorf("it is not a URL with a host, and without a user")
	}
	if strings.ContainsFunc(u.Host, func(r rune) bool { return r <= ' ' || r > '~' || r == '%' }) {
		return "", fmt.Errorf("its host is not a name in ASCII or an address without a zone")
	}
	ports := map[string]string{"http": "80", "https": "443"}
	usual, ok := ports[u.Scheme]
	if !ok {
		return "", fmt.Errorf("it is neither http nor https")
	}
	u = &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: u.Path, RawPath: u.RawPath}
	if port := u.Port(); port == usual || port == "" {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	} else {
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	return u.Scheme + "://" + u.Host + withoutDots(plainEscapes(u.EscapedPath())), nil
}

// CheckURL refuses a URL that no htu can equal, because of its host or its scheme.
func CheckURL(raw string) error {
	_, err := normalise(raw)
	return err
}

// plainEscapes decodes the escapes of characters that need no escape, and writes the others in
// upper case (RFC 3986 §6.2.2.1, §6.2.2.2). url.Parse has checked that each is complete.
func plainEscapes(path string) string {
	var plain strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] != '%' {
			plain.WriteByte(path[i])
			continue
		}
		escape := path[i : i+3]
		if b, err := hex.DecodeString(escape[1:]); err == nil && isUnreserved(b[0]) {
			plain.WriteByte(b[0])
		} else {
			plain.WriteString(strings.ToUpper(escape))
		}
		i += 2
	}
	return plain.String()
}

// isUnreserved is RFC 3986 §2.3.
func isUnreserved(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("-._~", b) >= 0
}

// withoutDots is RFC 3986 §5.2.4. net/url does it when it resolves a reference.
func withoutDots(path string) string {
	u, err := url.Parse("http://host" + path)
	if err != nil || path == "" {
		return "/"
	}
	return (&url.URL{}).ResolveReference(u).EscapedPath()
}
