package remotekeys

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"authserver/internal/testkit"
)

func TestAddresses(t *testing.T) {
	public, here := newAddresses(false), newAddresses(true)
	for _, refused := range []string{
		"127.0.0.1:443", "127.255.255.254:443", "[::1]:443", "10.1.2.3:443", "172.16.0.1:443", "172.31.255.255:443", "192.168.1.1:443", "169.254.169.254:80", "[fe80::1]:443", "[fe80::1%eth0]:443",
		"[fd00:ec2::254]:80", "[fc00::1]:443", "[fec0::1]:443", "100.64.0.1:443", "100.100.100.200:80", "0.0.0.0:443", "0.1.2.3:443", "[::]:443", "224.0.0.1:443", "239.255.255.255:443", "240.0.0.1:443", "255.255.255.255:443",
		"192.0.0.192:80", "192.0.2.1:443", "192.88.99.1:443", "198.18.0.1:443", "198.19.255.255:443", "198.51.100.1:443", "203.0.113.1:443", "168.63.129.16:80", // Azure's is public by number alone
		"[::ffff:127.0.0.1]:443", "[::ffff:10.0.0.1]:443", "[::ffff:7f00:1%eth0]:443", "[::127.0.0.1]:443", "[::7f00:1]:443", "[::ffff:0:127.0.0.1]:443", "[::ffff:168.63.129.16]:80", // mapped, compatible, translated
		"[64:ff9b::a9fe:a9fe]:80", "[64:ff9b::7f00:1]:443", "[64:ff9b::a00:1]:443", "[64:ff9b::a83f:8110]:80", "[64:ff9b:1::1]:443", "[64:ff9b:1:808:8:800::]:443", // NAT64
		"[2002:7f00:1::]:443", "[2002:a9fe:a9fe::1]:443", "[2002:808:808::1]:443", // 6to4
		"[2001::1]:443", "[2001:0:7f00:1::]:443", "[2001:10::1]:443", "[2001:20::1]:443", // Teredo, ORCHID
		"[2001:db8::1]:443", "[3fff::1]:443", "[100::1]:443", "[5f00::1]:443", "[4000::1]:443", "[ff02::1]:443", "[ff0e::1]:443",
		"no address", "", "127.0.0.1", "example.com:443", "0x7f.1:443", "2130706433:443", "127.1:443",
	} {
		if err := public.check(refused); err == nil {
			t.Errorf("%s is taken for public", refused)
		}
	}
	for _, fine := range []string{"8.8.8.8:443", "8.8.8.8:8443", "[2606:4700::1111]:443", "[::ffff:8.8.8.8]:443", "[64:ff9b::808:808]:443"} {
		if err := public.check(fine); err != nil {
			t.Errorf("%s is refused: %v", fine, err)
		}
	}
	for _, loopback := range []string{"127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"} {
		if err := here.check(loopback); err != nil {
			t.Errorf("%s is refused where loopback is allowed: %v", loopback, err)
		}
	}
	for _, private := range []string{"10.0.0.1:80", "169.254.169.254:80", "0.0.0.0:80", "[64:ff9b::7f00:1]:80"} {
		if err := here.check(private); err == nil {
			t.Errorf("allowing loopback allows %s", private)
		}
	}
}

func TestCheckURL(t *testing.T) {
	for url, want := range map[string]bool{
		"https://idp.example.com/jwks": true, "https://127.0.0.1:8443/jwks?v=1": true, "http://idp.example.com/jwks": false, "http://127.0.0.1/jwks": false,
		"https://user:pass@idp.example.com/": false, "https://idp.example.com/#x": false, "https://idp.example.com/#": false, "file:///etc/passwd": false,
		"https:idp.example.com": false, "gopher://x/": false, "": false, "https://": false, "//idp.example.com/": false,
	} {
		if err := CheckURL(url, false); (err == nil) != want {
			t.Errorf("%q: %v", url, err)
		}
	}
	if CheckURL("http://localhost:8080/jwks", true) != nil || CheckURL("http://idp.example.com/jwks", true) == nil {
		t.Error("allowing http allows it for loopback alone")
	}
}

func TestFetchRefuses(t *testing.T) {
	p := newPublisher(t)
	elsewhere := newPublisher(t)
	for name, test := range map[string]struct {
		fetcher *Fetcher
		answer  http.HandlerFunc
		want    string
	}{
		"an address that is not public":                     {NewFetcher(FetcherOptions{}), nil, "not a public one"},
		"a certificate of an authority that is not trusted": {NewFetcher(FetcherOptions{AllowHosts: []string{"127.0.0.1"}}), nil, "certificate"},
		"a redirect to another host":                        {p.trusting(), func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) }, "redirects to another host"},
		"a redirect to http": {p.trusting(), func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.Replace(p.URL, "https", "http", 1), http.StatusFound)
		}, "redirects to another host"},
		"redirects without end":       {p.trusting(), func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) }, "redirects to another host"},
		"an answer that is too large": {p.trusting(), func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxBody+1)) }, "larger than"},
		"404":                         {p.trusting(), http.NotFound, "answers 404"},
	} {
		t.Run(name, func(t *testing.T) {
			p.set(func() { p.answer = test.answer })
			_, err := test.fetcher.Fetch(t.Context(), p.URL+"/jwks?secret=hunter2", time.Now())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that says %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error repeats the query: %v", err)
			}
		})
	}
}

// Keys are only as trustworthy as the connection over which they come (RFC 9325 §4.2).
func TestFetchOverWeakTLS(t *testing.T) {
	for weakness, suites := range testkit.WeakSuites() {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.TLS = &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: suites, NextProtos: []string{"http/1.1"}}
		server.StartTLS()
		defer server.Close()
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		fetcher := NewFetcher(FetcherOptions{AllowHosts: []string{"127.0.0.1"}, RootCAs: roots})
		if _, err := fetcher.Fetch(t.Context(), server.URL+"/jwks", time.Now()); err == nil || !strings.Contains(err.Error(), "handshake failure") {
			t.Errorf("from a server of %s: %v", weakness, err)
		}
	}
}

// The address of the connection decides, not the name.
func TestANameThatMeansLoopback(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	_, err := NewFetcher(FetcherOptions{}).Fetch(t.Context(), "https://localhost:"+plain.URL[strings.LastIndexByte(plain.URL, ':')+1:]+"/", time.Now())
	if err == nil || !strings.Contains(err.Error(), "not a public one") {
		t.Errorf("got %v", err)
	}
}

// Metadata with any content is that of the issuer that was asked.
func FuzzParseMetadata(f *testing.F) {
	f.Add([]byte(`{"issuer":"https://idp.example.com","jwks_uri":"https://idp.example.com/jwks"}`))
	f.Add([]byte(`{"issuer":"https://evil.example","jwks_uri":"x"}`))
	f.Add([]byte(`{"ISSUER":"https://idp.example.com"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		uri, err := parseMetadata(body, "https://idp.example.com")
		if (err == nil) != (uri != "") || err == nil && !strings.Contains(string(body), "idp") && !strings.Contains(string(body), `\u`) {
			t.Errorf("took %q as %q, %v", body, uri, err)
		}
	})
}
