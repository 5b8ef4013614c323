package dpop

import "testing"

// RFC 3986 §6.2.2 and §6.2.3.
func TestNormalise(t *testing.T) {
	for raw, want := range map[string]string{
		"https://a.example/":               "https://a.example/",
		"HTTPS://A.Example":                "https://a.example/",
		"https://a.example:443/x":          "https://a.example/x",
		"https://a.example:/x":             "https://a.example/x",
		"http://a.example:80/x":            "http://a.example/x",
		"http://a.example:443/x":           "http://a.example:443/x",
		"https://a.example/x?y=1&z=2#f":    "https://a.example/x",
		"https://a.example/%7ex/%6A%2f%C3": "https://a.example/~x/j%2F%C3",
		"https://a.example/x/../y/./z":     "https://a.example/y/z",
		"https://a.example/x/%2E%2e/y":     "https://a.example/y",
		"https://a.example/../../x":        "https://a.example/x",
		"https://a.example//x//y/":         "https://a.example//x//y/",
		"https://[2001:DB8::1]:443/x":      "https://[2001:db8::1]/x",
		"https://[2001:DB8::1]:8443/x":     "https://[2001:db8::1]:8443/x",
		"https://a.example:8443/X":         "https://a.example:8443/X",
		"https://a.example/a%20b":          "https://a.example/a%20b",
		"https://a.example/a b":            "https://a.example/a%20b",
	} {
		if got, err := normalise(raw); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", raw, got, err, want)
		}
	}
	for _, raw := range []string{"", "/x", "//a.example/x", "https:a.example", "https:///x", "ftp://a.example/", "https://u@a.example/", "https://a.example/%zz", "https://:443/", "https://%25/", "https://[fe80::1%25eth0]/", "https://bücher.example/"} {
		if got, err := normalise(raw); err == nil {
			t.Errorf("%q is taken as %q", raw, got)
		}
	}
}

// A normal form is its own normal form.
func FuzzNormalise(f *testing.F) {
	for _, raw := range []string{"https://A.example:443", "http://[::1]:80/%2e%2e/%2F//x?y#z", "https://a/%", "http://a/:/..;/%25", "http://%25"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		once, err := normalise(raw)
		if err != nil {
			return
		}
		if twice, err := normalise(once); err != nil || twice != once {
			t.Errorf("%q is %q, and that is %q, %v", raw, once, twice, err)
		}
	})
}
