package web

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var proxies = Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48"), netip.MustParsePrefix("fe80::/10")}

func came(remote string, header http.Header) ClientAddress {
	return proxies.ClientAddress(&http.Request{RemoteAddr: remote, Header: header})
}

func listed(lines ...string) http.Header    { return http.Header{"X-Forwarded-For": lines} }
func forwarded(lines ...string) http.Header { return http.Header{"Forwarded": lines} }

func TestClientAddress(t *testing.T) {
	const client, proxy = "203.0.113.9", "10.0.0.1"
	many := strings.Repeat("10.0.0.2, ", 40)
	for _, c := range []struct {
		name   string
		remote string // "": the address of the proxy
		header http.Header
		want   string
	}{
		{"without a proxy", "192.0.2.1:80", nil, "192.0.2.1"},
		{"a stranger who says so", "192.0.2.1:80", listed(client), "192.0.2.1"},
		{"a stranger who says so in Forwarded", "192.0.2.1:80", forwarded("for=" + client), "192.0.2.1"},
		{"IPv6 without a proxy", "[2001:db8::1]:80", listed(client), "2001:db8::1"},
		{"a proxy that says nothing", "", nil, proxy},
		{"a proxy of IPv6", "[2001:db8:ffff::1]:80", listed(client), client},
		{"a proxy of the link", "[fe80::1%eth0]:80", listed(client), client},
		{"a proxy of IPv4 through a socket of IPv6", "[::ffff:10.0.0.1]:80", listed(client), client},

		{"one address", "", listed(client), client},
		{"what the client said stands on the left", "", listed("192.0.2.66, " + client), client},
		{"what the client said stands in another line", "", listed("192.0.2.66", client), client},
		{"two proxies", "", listed(client + ", 10.0.0.2"), client},
		{"two proxies, and what the client said", "", listed("192.0.2.66, " + client + ", 10.0.0.2"), client},
		{"two proxies in two lines", "", listed(client, "10.0.0.2"), client},
		{"proxies of both kinds", "", listed(client + ",2001:db8:ffff::7,10.0.0.2"), client},
		{"proxies alone", "", listed("10.0.0.3, 10.0.0.2"), "10.0.0.3"},
		{"blanks and tabs", "", listed(" 10.1.1.1 ,\t" + client + "\t , 10.0.0.2 "), client},
		{"a port", "", listed(client + ":4711"), client},
		{"IPv6", "", listed("2001:db8::9"), "2001:db8::9"},
		{"IPv6 in another spelling", "", listed("2001:0DB8:0:0::9"), "2001:db8::9"},
		{"IPv6 in brackets", "", listed("[2001:db8::9]"), "2001:db8::9"},
		{"IPv6 and a port", "", listed("[2001:db8::9]:4711"), "2001:db8::9"},
		{"IPv6 with a zone", "", listed("2001:db8::9%eth0"), "2001:db8::9"},
		{"a proxy with a zone", "", listed(client + ", fe80::2%eth0"), client},
		{"IPv4 as IPv6", "", listed("::ffff:" + client), client},
		{"a proxy as IPv6", "", listed(client + ", ::ffff:10.0.0.2"), client},
		{"quotes", "", listed(`"[2001:db8::9]:4711"`), "2001:db8::9"},

		{"unknown", "", listed(client + ", unknown"), proxy},
		{"a name", "", listed(client + ", client.example.com"), proxy},
		{"nothing at its end", "", listed(client + ","), proxy},
		{"nothing", "", listed(""), proxy},
		{"nothing in a line of its own", "", listed(client, ""), proxy},
		{"nothing on the left", "", listed(",," + client), client},
		{"a number with leading zeros", "", listed("203.0.113.009"), proxy},
		{"a port that is none", "", listed(client + ":99999"), proxy},
		{"an empty port", "", listed(client + ":"), proxy},
		{"IPv4 in brackets", "", listed("[" + client + "]"), proxy},
		{"half a bracket", "", listed("[2001:db8::9"), proxy},
		{"half a quote", "", listed(`"` + client), proxy},
		{"a long one", "", listed("fe80::1%" + strings.Repeat("x", maxHop)), proxy},
		{"unknown behind another proxy", "", listed(client + ", unknown, 10.0.0.2"), "10.0.0.2"},
		{"too many proxies", "", listed(client + ", " + many + "10.0.0.2"), "10.0.0.2"},
		{"too many proxies in lines", "", listed(append([]string{client}, strings.Split(many+"10.0.0.2", ", ")...)...), "10.0.0.2"},
		{"much on the left", "", listed(strings.Repeat("x,", 4000) + client), client},

		{"Forwarded", "", forwarded("for=" + client), client},
		{"Forwarded with all parameters", "", forwarded("For=" + client + ";proto=https;by=10.0.0.1;host=as.example.com"), client},
		{"Forwarded in another order", "", forwarded("by=10.0.0.1; proto=https ;FOR=" + client), client},
		{"Forwarded, and what the client said", "", forwarded("for=192.0.2.66, for=" + client), client},
		{"Forwarded, and what the client said in another line", "", forwarded("for=192.0.2.66", "for="+client), client},
		{"Forwarded, and a line that the client broke", "", forwarded(`for="192.0.2.66`, "for="+client), client},
		{"Forwarded by two proxies", "", forwarded("for=" + client + ", for=10.0.0.2"), client},
		{"Forwarded with a port in quotes", "", forwarded(`for="` + client + `:4711"`), client},
		{"Forwarded with a port without quotes", "", forwarded("for=" + client + ":4711"), client},
		{"Forwarded with IPv6", "", forwarded(`for="[2001:db8::9]"`), "2001:db8::9"},
		{"Forwarded with IPv6 and a port", "", forwarded(`for="[2001:db8::9]:4711"`), "2001:db8::9"},
		{"Forwarded with IPv6 without quotes", "", forwarded("for=[2001:db8::9]:4711"), "2001:db8::9"},
		{"Forwarded with a hidden port", "", forwarded(`for="[2001:db8::9]:_x1"`), "2001:db8::9"},
		{"Forwarded with an escape", "", forwarded(`for="\[2001:db8\::9]"`), "2001:db8::9"},
		{"Forwarded with a comma in quotes", "", forwarded(`for=` + client + `;host="a, for=192.0.2.66"`), client},
		{"Forwarded with empty pairs", "", forwarded(";for=" + client + ";;"), client},

		{"Forwarded of the unknown", "", forwarded("for=192.0.2.66, for=unknown"), proxy},
		{"Forwarded of a hidden one", "", forwarded("for=192.0.2.66, for=_hidden"), proxy},
		{"Forwarded of a hidden proxy", "", forwarded("for=192.0.2.66, for=_SEVKISEK, for=10.0.0.2"), "10.0.0.2"},
		{"Forwarded that says nothing of the client", "", forwarded("for=192.0.2.66, by=10.0.0.1"), proxy},
		{"Forwarded that ends with nothing", "", forwarded("for=192.0.2.66,"), proxy},
		{"Forwarded that is nothing", "", forwarded(""), proxy},
		{"Forwarded twice in an element", "", forwarded("for=192.0.2.66;for=" + client), proxy},
		{"Forwarded with IPv6 without brackets", "", forwarded(`for="2001:db8::9"`), proxy},
		{"Forwarded with a port that is none", "", forwarded(`for="` + client + `:port"`), proxy},
		{"Forwarded with a quote that does not end", "", forwarded(`for="192.0.2.66, for=` + client), proxy},
		{"Forwarded with a quote that a quote ends", "", forwarded(`for="192.0.2.66, for="[2001:db8::9]"`), proxy},
		{"Forwarded with a quote behind a value", "", forwarded(`for=192.0.2.66"`), proxy},
		{"Forwarded with an escape of nothing", "", forwarded(`for="192.0.2.66\`), proxy},
		{"Forwarded without a value", "", forwarded("for="), proxy},
		{"Forwarded without a name", "", forwarded(client), proxy},
		{"Forwarded with a blank in it", "", forwarded("for =" + client), proxy},
		{"Forwarded that is long", "", forwarded("for=" + client + ";host=" + strings.Repeat("x", maxForwarded)), proxy},
		{"Forwarded by too many proxies", "", forwarded("for=" + client + strings.Repeat(", for=10.0.0.2", 40)), "10.0.0.2"},

		{"both, which agree", "", http.Header{"X-Forwarded-For": {client}, "Forwarded": {"for=" + client}}, client},
		{"both, of which the client wrote Forwarded", "", http.Header{"X-Forwarded-For": {client}, "Forwarded": {"for=192.0.2.66"}}, proxy},
		{"both, of which the client wrote X-Forwarded-For", "", http.Header{"X-Forwarded-For": {"192.0.2.66"}, "Forwarded": {"for=" + client}}, proxy},
		{"both, of which one is empty", "", http.Header{"X-Forwarded-For": {""}, "Forwarded": {"for=" + client}}, proxy},
		{"no address of the Internet", "@", listed(client), "@"},
	} {
		t.Run(c.name, func(t *testing.T) {
			remote := c.remote
			if remote == "" {
				remote = proxy + ":80"
			}
			if got := came(remote, c.header).Text; got != c.want {
				t.Errorf("it comes from %q, want %q", got, c.want)
			}
		})
	}
}

// Without a configured proxy none is trusted.
func TestNoProxies(t *testing.T) {
	header := http.Header{"X-Forwarded-For": {"192.0.2.66"}, "Forwarded": {"for=192.0.2.66"}}
	for _, remote := range []string{"127.0.0.1:80", "10.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80"} {
		var none Proxies
		got := none.ClientAddress(&http.Request{RemoteAddr: remote, Header: header})
		if strings.Contains(got.Text, "192.0.2.66") || got.Proxy != "" {
			t.Errorf("%s: it is %+v", remote, got)
		}
	}
}

// A client with IPv6 can choose any address of its network, so the network has one share.
func TestShare(t *testing.T) {
	for _, c := range []struct {
		remote string
		header http.Header
		want   ClientAddress
	}{
		{"203.0.113.9:80", nil, ClientAddress{"203.0.113.9", "203.0.113.9", ""}},
		{"[2001:db8:1:2:3::9]:80", nil, ClientAddress{"2001:db8:1:2:3::9", "2001:db8:1:2::/64", ""}},
		{"[2001:db8:1:2:ffff::]:80", nil, ClientAddress{"2001:db8:1:2:ffff::", "2001:db8:1:2::/64", ""}},
		{"[2001:db8:1:3::9]:80", nil, ClientAddress{"2001:db8:1:3::9", "2001:db8:1:3::/64", ""}},
		{"[fe80::1%eth0]:80", nil, ClientAddress{"fe80::1", "fe80::/64", "fe80::1"}},
		{"[::ffff:203.0.113.9]:80", nil, ClientAddress{"203.0.113.9", "203.0.113.9", ""}},
		{"10.0.0.1:80", listed("::ffff:203.0.113.9"), ClientAddress{"203.0.113.9", "203.0.113.9", "10.0.0.1"}},
		{"10.0.0.1:80", listed("2001:db8:1:2:3::9"), ClientAddress{"2001:db8:1:2:3::9", "2001:db8:1:2::/64", "10.0.0.1"}},
		{"10.0.0.1:80", nil, ClientAddress{"10.0.0.1", "10.0.0.1", "10.0.0.1"}},
	} {
		if diff := cmp.Diff(c.want, came(c.remote, c.header)); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", c.remote, c.header, diff)
		}
	}
}

// TestClientAddressAllocates: without a trusted proxy, nothing is allocated, because this runs for
// each request.
func TestClientAddressAllocates(t *testing.T) {
	r := &http.Request{RemoteAddr: "203.0.113.9:4711", Header: listed("192.0.2.66")}
	if n := testing.AllocsPerRun(100, func() { _ = proxies.ClientAddress(r) }); n != 0 {
		t.Errorf("it allocates %v times", n)
	}
}

// FuzzClientAddress: an attacker sends anything through a proxy, in either header, and the proxy
// adds the attacker's address. The result is the attacker's address or, if the attacker breaks the
// header, the proxy's, and never another.
func FuzzClientAddress(f *testing.F) {
	for _, junk := range []string{
		"", ",", "192.0.2.66", "for=192.0.2.66", `for="`, `for="\`, `for="[2001:db8::66]:80", for=`, `x=",";for=192.0.2.66;y="`, "unknown", "10.0.0.9, 10.0.0.8",
		`192.0.2.66;"`, "for=192.0.2.66;for=", "\t,;=\"\\[]", "fe80::1%eth0,10.0.0.1", strings.Repeat("10.0.0.2,", 40), strings.Repeat("for=10.0.0.2,", 40),
	} {
		f.Add(junk, junk)
	}
	const proxy = "10.0.0.1"
	f.Fuzz(func(t *testing.T, one, other string) {
		check := func(header http.Header, client string, always bool) {
			t.Helper()
			if got := came(proxy+":80", header).Text; got != client && (always || got != proxy) {
				t.Errorf("%q: it comes from %s, want %s", header, got, client)
			}
		}
		for _, client := range []string{"203.0.113.9", "2001:db8::9"} {
			node := client
			if strings.Contains(client, ":") {
				node = `"[` + client + `]:4711"`
			}
			for _, behind := range []string{"", ";proto=https", `;host="as.example.com"`} {
				node := "for=" + node + behind
				check(forwarded(one, node), client, true)
				check(forwarded(one+", "+node), client, false)
				check(http.Header{"X-Forwarded-For": {other}, "Forwarded": {one, node}}, client, false)
			}
			check(listed(one, client), client, true)
			check(listed(one+", "+client), client, true)
			check(listed(one+", "+client+", 10.0.0.2"), client, true)
			check(http.Header{"X-Forwarded-For": {one, client}, "Forwarded": {other}}, client, false)
		}
		_ = came("192.0.2.1:80", http.Header{"X-Forwarded-For": {one}, "Forwarded": {other}})
	})
}
