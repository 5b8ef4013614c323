package authorize

import (
	"strings"
	"testing"
)

// RFC 9700 §4.1, RFC 6749 §10.6 and §10.15, RFC 6819 §4.2.4: the redirect URI decides who gets the
// code, so it must be a registered one.
func TestRedirectURI(t *testing.T) {
	const web, loopback, native = "https://app.example.com/callback?tenant=1", "http://127.0.0.1:8090/callback", "com.example.app:/callback"
	uris := []string{web, loopback, native, "http://[::1]/v6", "http://localhost/cb"}
	for _, test := range []struct {
		name, presented string
		good            bool
	}{
		{"as registered", web, true},
		{"the loopback address as registered", loopback, true},
		{"a private-use scheme as registered", native, true},
		{"the loopback address with another port (RFC 8252 §7.3)", "http://127.0.0.1:51234/callback", true},
		{"the loopback address without a port", "http://127.0.0.1/callback", true},
		{"the loopback address of IPv6 with a port", "http://[::1]:51234/v6", true},
		{"localhost with a port", "http://localhost:3000/cb", true},

		{"nothing", "", false},
		{"another host", "https://evil.example/callback?tenant=1", false},
		{"a host below", "https://a.app.example.com/callback?tenant=1", false},
		{"a host that begins alike", "https://app.example.com.evil.example/callback?tenant=1", false},
		{"a user before another host", "https://app.example.com@evil.example/callback?tenant=1", false},
		{"a password before another host", "https://app.example.com:443@evil.example/callback?tenant=1", false},
		{"a backslash", `https://app.example.com\@evil.example/callback?tenant=1`, false},
		{"a backslash for a slash", `https:\\app.example.com\callback?tenant=1`, false},
		{"a user before the host", "https://evil.example@app.example.com/callback?tenant=1", false},
		{"an empty user before the host", "https://@app.example.com/callback?tenant=1", false},
		{"a dot behind the host", "https://app.example.com./callback?tenant=1", false},
		{"a letter of another alphabet in the host", "https://\u0430pp.example.com/callback?tenant=1", false},
		{"the same in Punycode", "https://xn--pp-6kc.example.com/callback?tenant=1", false},
		{"a full width dot in the host", "https://app.example\u3002com/callback?tenant=1", false},
		{"an escape in the host", "https://app%2Eexample.com/callback?tenant=1", false},
		{"another case of the scheme", "HTTPS://app.example.com/callback?tenant=1", false},
		{"no scheme", "//app.example.com/callback?tenant=1", false},
		{"a script", "javascript:alert(1)//https://app.example.com/callback?tenant=1", false},
		{"two slashes in the path", "https://app.example.com//callback?tenant=1", false},
		{"a slash that is escaped", "https://app.example.com%2Fcallback?tenant=1", false},
		{"dots that are escaped", "https://app.example.com/x/%2e%2e/callback?tenant=1", false},
		{"a parameter of the path", "https://app.example.com/callback;x?tenant=1", false},
		{"an empty query", "https://app.example.com/callback?", false},
		{"a query that is escaped", "https://app.example.com/callback%3Ftenant=1", false},
		{"an empty fragment", web + "#", false},
		{"a blank before", " " + web, false},
		{"a tab within", "https://app.exam\tple.com/callback?tenant=1", false},
		{"two of them", web + "," + web, false},
		{"the loopback address in hexadecimal", "http://0x7f.0.0.1:8090/callback", false},
		{"the loopback address in octal", "http://0177.0.0.1:8090/callback", false},
		{"the loopback address, shortened", "http://127.1:8090/callback", false},
		{"the loopback address with a query", "http://127.0.0.1:8090/callback?x", false},
		{"the loopback address, spelt out in IPv6", "http://[0:0:0:0:0:0:0:1]:51234/v6", false},
		{"the loopback address of IPv6 with a zone", "http://[::1%25lo]:51234/v6", false},
		{"a host that begins like localhost", "http://localhost.evil.example:3000/cb", false},
		{"a port with another host behind", "http://127.0.0.1:80.evil.example/callback", false},
		{"another scheme", "http://app.example.com/callback?tenant=1", false},
		{"the default port", "https://app.example.com:443/callback?tenant=1", false},
		{"another case of the host", "https://APP.example.com/callback?tenant=1", false},
		{"another case of the path", "https://app.example.com/Callback?tenant=1", false},
		{"a slash behind", "https://app.example.com/callback/?tenant=1", false},
		{"a path below", "https://app.example.com/callback/x?tenant=1", false},
		{"dots", "https://app.example.com/x/../callback?tenant=1", false},
		{"an escape", "https://app.example.com/%63allback?tenant=1", false},
		{"no query", "https://app.example.com/callback", false},
		{"another query", "https://app.example.com/callback?tenant=2", false},
		{"more of a query", web + "&next=https://evil.example", false},
		{"a fragment", web + "#x", false},
		{"a blank behind", web + " ", false},
		{"a line break behind", web + "\r\nSet-Cookie: a=b", false},
		{"a NUL behind", web + "\x00", false},
		{"the loopback address with another path", "http://127.0.0.1:51234/other", false},
		{"the loopback address with a port and a user", "http://127.0.0.1:80@evil.example/callback", false},
		{"the loopback address as a user", "http://127.0.0.1@evil.example/callback", false},
		{"the loopback address as a beginning", "http://127.0.0.1.evil.example/callback", false},
		{"the loopback address with port 0", "http://127.0.0.1:0/callback", false},
		{"the loopback address with port 65536", "http://127.0.0.1:65536/callback", false},
		{"the loopback address with an empty port", "http://127.0.0.1:/callback", false},
		{"the loopback address with a signed port", "http://127.0.0.1:+80/callback", false},
		{"the loopback address over https", "https://127.0.0.1:8090/callback", false},
		{"another loopback address", "http://127.0.0.2:8090/callback", false},
		{"the loopback address in decimal", "http://2130706433:8090/callback", false},
		{"localhost for an address", "http://localhost:8090/callback", false},
		{"a private-use scheme with a host", "com.example.app://evil/callback", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := registered(uris, test.presented); got != test.good {
				t.Errorf("%q is taken: %t", test.presented, got)
			}
		})
	}
	if registered([]string{"https://app.example.com:8443/cb"}, "https://app.example.com:9443/cb") {
		t.Error("the port of another host is free")
	}
	if registered(nil, "") {
		t.Error("a client without redirect URIs has one")
	}
}

func FuzzRedirectURI(f *testing.F) {
	const web, loopback = "https://app.example.com/callback", "http://127.0.0.1:8090/callback"
	for _, seed := range []string{web, loopback, "http://127.0.0.1:1/callback", "http://127.0.0.1:80@evil.example/callback", "http://[::1]:1/callback", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, presented string) {
		if !registered([]string{web, loopback}, presented) || presented == web {
			return
		}
		port, before := strings.CutPrefix(presented, "http://127.0.0.1")
		port, behind := strings.CutSuffix(port, "/callback")
		if !before || !behind || strings.Trim(port, ":0123456789") != "" {
			t.Errorf("%q is taken", presented)
		}
	})
}
