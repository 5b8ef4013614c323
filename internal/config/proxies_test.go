package config

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lists are the settings that list proxies.
var lists = map[string]func(*Server) ([]netip.Prefix, error){
	"trusted-proxy": (*Server).TrustedProxies, "client-cert-proxy": (*Server).ClientCertProxies,
}

func variable(setting string) string {
	return "AUTHSERVER_" + strings.ToUpper(strings.ReplaceAll(setting, "-", "_")) + "="
}

func TestProxies(t *testing.T) {
	for setting, read := range lists {
		s, err := complete(t, Serve, nil, proper(variable(setting)+"10.0.0.0/8, ::ffff:192.0.2.1,fe80::1%eth0,2001:db8::/32")...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := read(&s)
		want := []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("fe80::1/128"), netip.MustParsePrefix("2001:db8::/32"),
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", setting, err, diff)
		}
	}
}

// Each fault names the setting and its value.
func TestProxiesThatAreNone(t *testing.T) {
	for setting := range lists {
		for value, want := range map[string]string{
			"proxy.example.com":   `"proxy.example.com": write an address or a network`,
			"10.0.0.7,,10.0.0.8":  `"": write an address or a network`,
			"10.0.0.7:8080":       `"10.0.0.7:8080": write an address or a network`,
			"10.0.0.7/24":         "10.0.0.7/24, which has bits beyond its length: write 10.0.0.0/24",
			"10.0.0.0/33":         `"10.0.0.0/33": write an address or a network`,
			"::ffff:10.0.0.0/104": `"::ffff:10.0.0.0/104": write an address or a network`,
			"0.0.0.0/0":           "0.0.0.0/0, which is every address: every caller could ",
			"10.0.0.7,::/0":       "::/0, which is every address: every caller could ",
		} {
			_, err := complete(t, Serve, nil, proper(variable(setting)+value)...)
			if err == nil || !strings.Contains(err.Error(), setting+" holds "+want) {
				t.Errorf("%s: the fault is %v, want %q", setting, err, want)
			}
		}
	}
}
