package handlers

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"authserver/internal/admission"
	"authserver/internal/oauth"
	"authserver/internal/web"
)

var loopback = web.Proxies{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// through sends a token request like a proxy that forwards it for an address.
func (v visitor) through(address, body string) answer {
	v.Helper()
	return v.do(http.MethodPost, TokenPath, body, map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": address,
	})
}

// The log has the client's address, and the proxy's in addition. Without a trusted proxy, the
// client is the other end of the connection.
func TestLogHasTheClientAddress(t *testing.T) {
	s := newSite(t)
	v := s.open()
	for _, c := range []struct {
		proxies web.Proxies
		said    string
		want    string
	}{
		{nil, "203.0.113.9", `"client_address":"127.0.0.1",`},
		{loopback, "192.0.2.66, 203.0.113.9", `"client_address":"203.0.113.9","proxy":"127.0.0.1",`},
		{loopback, "unknown", `"client_address":"127.0.0.1","proxy":"127.0.0.1",`},
	} {
		s.Door.Proxies = c.proxies
		v.through(c.said, "grant_type=client_credentials")
		if line := lastLine(s.log.String()); !strings.Contains(line, c.want) {
			t.Errorf("%v said %q: %s", c.proxies, c.said, line)
		}
	}
}

// TestShareIsOfTheAddress: requests that name no client share by their address. A flood from one
// address leaves enough for another address behind the same proxy.
func TestShareIsOfTheAddress(t *testing.T) {
	s := newSite(t)
	gate := &admission.Gate{Slots: 4, Queue: 4, Wait: 50 * time.Millisecond, Spare: true, Now: time.Now}
	s.Clients.Gates = map[string]*admission.Gate{KindOther: gate}
	v := s.open()
	const body = "grant_type=client_credentials"
	for _, c := range []struct {
		name            string
		floods          string // the name at the gate of a client that floods
		proxies         web.Proxies
		one, other      string // addresses of a request, of the flooding client and of another client
		refusesTheOther bool
	}{
		{"IPv4", " 203.0.113.9", loopback, "203.0.113.9", "203.0.113.10", false},
		{"IPv6, of which one has a network", " 2001:db8:1:2::/64", loopback, "2001:db8:1:2::9", "2001:db8:1:3::9", false},
		{"IPv6, another address of the network", " 2001:db8:1:2::/64", loopback, "2001:db8:1:2:ffff::1", "2001:db8:1:3::9", false},
		{"a proxy that is not trusted", " 127.0.0.1", nil, "203.0.113.9", "203.0.113.10", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Door.Proxies = c.proxies
			for range 2 {
				s.ok(gate.Enter(t.Context(), c.floods))
				defer gate.Leave(c.floods)
			}
			v.refused(v.through(c.one, body), http.StatusServiceUnavailable, oauth.Unavailable)
			a := v.through(c.other, body)
			if c.refusesTheOther {
				v.refused(a, http.StatusServiceUnavailable, oauth.Unavailable)
				return
			}
			v.refused(a, http.StatusUnauthorized, oauth.InvalidClient) // the gate let it in
		})
	}
}

// A proxy that may name addresses may not name certificates, nor the reverse.
func TestProxiesOfTwoKinds(t *testing.T) {
	own := selfSigned(t)
	s := newCertifiedSite(t, own)
	v := s.open()
	ask := func(trusted, certifying web.Proxies) (status int, line string) {
		s.Door.Proxies, s.Clients.CertificateProxies = trusted, certifying
		a := v.from(http.Header{"Client-Cert": {forwarded(own)}, "X-Forwarded-For": {"203.0.113.9"}}, "grant_type=client_credentials&client_id=batch")
		return a.status, lastLine(s.log.String())
	}
	if status, line := ask(loopback, nil); status != http.StatusUnauthorized || !strings.Contains(line, `"203.0.113.9"`) {
		t.Errorf("a proxy that may name addresses: %d %s", status, line)
	}
	if status, line := ask(nil, loopback); status != http.StatusOK || strings.Contains(line, "203.0.113.9") {
		t.Errorf("a proxy that may name certificates: %d %s", status, line)
	}
}
