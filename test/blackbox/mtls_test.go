package blackbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"authserver/test/harness"
)

// certifiedCases are requests of clients with certificates, and their results.
func (p *parties) certifiedCases() []certifiedCase {
	secret := "&client_secret=" + webSecret
	return []certifiedCase{
		{"for the name, by the authority", p.batch, "client_id=batch", p.batch.cnf(), ""},
		{"for another name", p.other, "client_id=batch", nil, "invalid_client"},
		{"by another authority of the same name", p.stranger, "client_id=batch", nil, "invalid_client"},
		{"expired", p.expired, "client_id=batch", nil, "invalid_client"},
		{"none", nil, "client_id=batch", nil, "invalid_client"},
		{"the one registered", p.report, "client_id=report", p.report.cnf(), ""},
		{"another for the same name", p.unknown, "client_id=report", nil, "invalid_client"},
		{"the authority's where it is to be registered", p.batch, "client_id=report", nil, "invalid_client"},
		{"any, beside a secret, where tokens are bound", p.unknown, "client_id=bound" + secret, p.unknown.cnf(), ""},
		{"none, beside a secret, where tokens are bound", nil, "client_id=bound" + secret, nil, "invalid_request"},
		{"any, beside a secret, where tokens are not bound", p.batch, "client_id=plain" + secret, nil, ""},
		{"none, beside a secret, where tokens are not bound", nil, "client_id=plain" + secret, nil, ""},
		{"instead of a secret", p.batch, "client_id=plain", nil, "invalid_client"},
	}
}

type certifiedCase struct {
	name        string
	certificate *pair // nil: none
	form        string
	cnf         any
	refused     string
}

func (c certifiedCase) run(t *testing.T, trusted *x509.Certificate, base string) {
	t.Helper()
	var certificate *tls.Certificate
	if c.certificate != nil {
		certificate = c.certificate.tls()
	}
	cnf, refused := askBy(t, asking(t, trusted, certificate), base, c.form, nil)
	if diff := cmp.Diff(c.cnf, cnf); diff != "" || refused != c.refused {
		t.Errorf("it is refused with %q, want %q\n%s", refused, c.refused, diff)
	}
}

// serving gives the deployment a certificate of the server.
func (p *parties) serving(t *testing.T) *pair {
	t.Helper()
	own := issue(t, nil, x509.Certificate{Subject: pkix.Name{CommonName: "server"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	p.Set("TLS_CERTIFICATE_FILE", p.File("server.pem", own.pem()))
	p.Set("TLS_KEY_FILE", p.File("server-key.pem", harness.KeyPEM(t, own.key)))
	return own
}

func TestMTLSEndsHere(t *testing.T) {
	t.Parallel()
	p := newParties(t)
	own := p.serving(t)
	s := p.Start()
	for _, c := range p.certifiedCases() {
		t.Run(c.name, func(t *testing.T) { c.run(t, own.certificate, s.URL) })
	}
	t.Run("a header stands for no certificate", func(t *testing.T) {
		header := http.Header{"Client-Cert": {":" + base64.StdEncoding.EncodeToString(p.batch.certificate.Raw) + ":"}}
		if _, refused := askBy(t, asking(t, own.certificate, nil), s.URL, "client_id=batch", header); refused != "invalid_client" {
			t.Errorf("it is refused with %q", refused)
		}
	})
	t.Run("the metadata says so", func(t *testing.T) {
		answer, err := asking(t, own.certificate, nil).Get(s.URL + "/.well-known/oauth-authorization-server")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		raw, err := io.ReadAll(answer.Body)
		if err != nil || answer.Proto != "HTTP/2.0" {
			t.Fatal(answer.Proto, err)
		}
		body := decoded(t, raw)
		methods, _ := body["token_endpoint_auth_methods_supported"].([]any)
		if !slices.Contains(methods, any("self_signed_tls_client_auth")) || !slices.Contains(methods, any("tls_client_auth")) || body["tls_client_certificate_bound_access_tokens"] != true {
			t.Errorf("it says %s", raw)
		}
	})
	t.Run("golang.org/x/oauth2 as it is", func(t *testing.T) {
		for name, style := range map[string]oauth2.AuthStyle{"in the body": oauth2.AuthStyleInParams, "whatever works": oauth2.AuthStyleAutoDetect} {
			sender := clientcredentials.Config{ClientID: "report", TokenURL: s.URL + "/oauth2/token", AuthStyle: style}
			token, err := sender.Token(context.WithValue(t.Context(), oauth2.HTTPClient, asking(t, own.certificate, p.report.tls())))
			if err != nil || token.Type() != "Bearer" {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("health checks go on", func(t *testing.T) {
		p.Run("healthcheck", "--ops-listen", strings.TrimPrefix(s.OpsURL, "http://"))
	})
	t.Run("plain http is not spoken", func(t *testing.T) {
		answer, err := http.Get("http" + strings.TrimPrefix(s.URL, "https") + "/readyz")
		if err == nil {
			defer answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				t.Error("it is")
			}
		}
	})
	t.Run("files that change are read again", func(t *testing.T) {
		next, authority := p.serving(t), authorityOf(t, "Next CA")
		p.File("clients-ca.pem", authority.pem())
		byNext := issue(t, authority, x509.Certificate{Subject: p.batch.certificate.Subject, ExtKeyUsage: p.batch.certificate.ExtKeyUsage})
		harness.Eventually(t, reached, "the next certificate is presented", func() bool {
			answer, err := asking(t, next.certificate, nil).Get(s.URL + "/readyz")
			if err != nil {
				return false
			}
			return answer.Body.Close() == nil
		})
		harness.Eventually(t, reached, "the next authority is trusted", func() bool {
			_, refused := askBy(t, asking(t, next.certificate, byNext.tls()), s.URL, "client_id=batch", nil)
			return refused == ""
		})
		if _, refused := askBy(t, asking(t, next.certificate, p.batch.tls()), s.URL, "client_id=batch", nil); refused != "invalid_client" {
			t.Errorf("the authority before is still trusted: %q", refused)
		}
	})
}

// proxy is a proxy at which TLS ends, as in RFC 9440. It connects to the server from an address.
func proxy(t *testing.T, to, from string) *httptest.Server {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Transport: &http.Transport{DialContext: dialer.DialContext},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Client-Cert")
			r.Out.Header.Del("Client-Cert-Chain")
			if len(r.In.TLS.PeerCertificates) > 0 {
				r.Out.Header.Set("Client-Cert", ":"+base64.StdEncoding.EncodeToString(r.In.TLS.PeerCertificates[0].Raw)+":")
			}
		},
	})
	front.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	front.StartTLS()
	t.Cleanup(front.Close)
	return front
}

func TestMTLSEndsAtAProxy(t *testing.T) {
	t.Parallel()
	p := newParties(t)
	p.Set("CLIENT_CERT_PROXY", "127.0.0.2,10.0.0.0/8")
	s := p.Start()
	listed, unlisted := proxy(t, s.URL, "127.0.0.2"), proxy(t, s.URL, "127.0.0.1")
	for _, c := range p.certifiedCases() {
		t.Run(c.name, func(t *testing.T) { c.run(t, listed.Certificate(), listed.URL) })
	}
	t.Run("a proxy that is not listed", func(t *testing.T) {
		if _, refused := askBy(t, asking(t, unlisted.Certificate(), p.batch.tls()), unlisted.URL, "client_id=batch", nil); refused != "invalid_client" {
			t.Errorf("it is refused with %q", refused)
		}
	})
	t.Run("a client that says so itself, past the proxy", func(t *testing.T) {
		header := http.Header{"Client-Cert": {":" + base64.StdEncoding.EncodeToString(p.batch.certificate.Raw) + ":"}, "X-Forwarded-For": {"127.0.0.2"}}
		if _, refused := askBy(t, asking(t, unlisted.Certificate(), nil), s.URL, "client_id=batch", header); refused != "invalid_client" {
			t.Errorf("it is refused with %q", refused)
		}
	})
	t.Run("a client that says so itself, through the proxy", func(t *testing.T) {
		header := http.Header{"Client-Cert": {":" + base64.StdEncoding.EncodeToString(p.batch.certificate.Raw) + ":"}}
		if _, refused := askBy(t, asking(t, listed.Certificate(), nil), listed.URL, "client_id=batch", header); refused != "invalid_client" {
			t.Errorf("it is refused with %q", refused)
		}
	})
	t.Run("a token tells what it is bound to", func(t *testing.T) {
		listen := asking(t, listed.Certificate(), p.report.tls())
		answer, err := listen.PostForm(listed.URL+"/oauth2/token", form("grant_type", "client_credentials", "client_id", "report"))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		raw, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		token, _ := decoded(t, raw)["access_token"].(string)
		said, err := listen.PostForm(listed.URL+"/oauth2/introspect", form("client_id", "report", "token", token))
		if err != nil {
			t.Fatal(err)
		}
		defer said.Body.Close()
		if raw, err = io.ReadAll(said.Body); err != nil {
			t.Fatal(err)
		}
		body := decoded(t, raw)
		if diff := cmp.Diff(p.report.cnf(), body["cnf"]); diff != "" || body["active"] != true {
			t.Errorf("%s\n%s", diff, raw)
		}
	})
}
