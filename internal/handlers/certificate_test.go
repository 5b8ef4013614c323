package handlers

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/clientauth"
	"authserver/internal/jose"
	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/store/storetest"
	"authserver/internal/testkit"
	"authserver/internal/web"
	"authserver/test/openapitest"
)

// selfSigned makes a certificate with its key.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key := testkit.P256(t)
	template := x509.Certificate{Subject: pkix.Name{CommonName: "batch"}, NotBefore: began, NotAfter: began.Add(time.Hour)}
	return tls.Certificate{Certificate: [][]byte{testkit.SelfSigned(t, template, key).Raw}, PrivateKey: key}
}

// forwarded returns a certificate in the form of RFC 9440.
func forwarded(c tls.Certificate) string {
	return ":" + base64.StdEncoding.EncodeToString(c.Certificate[0]) + ":"
}

// newCertifiedSite has clients that authenticate with a certificate, or whose tokens are bound to
// one, and accepts certificates.
func newCertifiedSite(t *testing.T, own tls.Certificate) *site {
	t.Helper()
	s := newSite(t)
	at := store.At(began.Add(-time.Hour))
	web, err := s.db.Client(t.Context(), "web")
	s.ok(err)
	for _, c := range []store.Client{
		{ID: "batch", AuthMethods: []oauth.AuthMethod{oauth.AuthSelfSignedTLS}, Certificates: own.Certificate},
		{ID: "bound", AuthMethods: web.AuthMethods, Secrets: web.Secrets, TLSBound: true},
		{ID: "bound-app", AuthMethods: []oauth.AuthMethod{oauth.AuthNone}, TLSBound: true},
	} {
		c.Grants = []oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken}
		c.Scopes, c.Resources = oauth.Scope{"read", "write"}, []string{apiID}
		c.RefreshIdle, c.RefreshMax, c.CreatedAt, c.UpdatedAt = time.Hour, 24*time.Hour, at, at
		s.ok(s.db.CreateClient(t.Context(), c, storetest.By()))
	}
	s.Clients.Authenticator.Methods = append([]clientauth.Method{&clientauth.SelfSignedTLS{}}, s.Clients.Authenticator.Methods...)
	s.Metadata.TakesCertificates = true
	return s
}

// from sends a token request with headers and the given form.
func (v visitor) from(header http.Header, body string) answer {
	v.Helper()
	request, err := http.NewRequestWithContext(v.Context(), http.MethodPost, v.base+TokenPath, strings.NewReader(body))
	if err != nil {
		v.Fatal(err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.send(request)
}

// confirmed returns the claim "cnf" of the access token in an answer.
func confirmed(t *testing.T, a answer) any {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(a.text(t, "access_token"), ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims["cnf"]
}

func TestForwardedCertificates(t *testing.T) {
	own, other := selfSigned(t), selfSigned(t)
	s := newCertifiedSite(t, own)
	const batch, bound = "grant_type=client_credentials&client_id=batch", "grant_type=client_credentials&client_id=bound&client_secret=" + secret
	one, loopback := http.Header{"Client-Cert": {forwarded(own)}}, netip.MustParsePrefix("127.0.0.1/32")
	for _, c := range []struct {
		name    string
		proxies web.Proxies
		header  http.Header
		body    string
		reason  string // "": the answer has a token
		bound   bool
	}{
		{"by a listed proxy", web.Proxies{loopback}, one, batch, "", true},
		{"by a proxy of a listed network", web.Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8")}, one, batch, "", true},
		{"by a peer that is not listed", web.Proxies{netip.MustParsePrefix("127.0.0.2/32")}, one, batch, "client_auth_method", false},
		{"where no proxy is listed", nil, one, batch, "client_auth_method", false},
		{"another one", web.Proxies{loopback}, http.Header{"Client-Cert": {forwarded(other)}}, batch, "client_proof", false},
		{"none, by a listed proxy", web.Proxies{loopback}, nil, batch, "client_auth_method", false},
		{"twice", web.Proxies{loopback}, http.Header{"Client-Cert": {forwarded(own), forwarded(own)}}, batch, "client_cert_header", false},
		{"malformed", web.Proxies{loopback}, http.Header{"Client-Cert": {"::"}}, batch, "client_cert_header", false},
		{"malformed, by a peer that is not listed", nil, http.Header{"Client-Cert": {"::"}}, bound, "certificate_missing", false},
		{"a chain alone", web.Proxies{loopback}, http.Header{"Client-Cert-Chain": {forwarded(own)}}, batch, "client_cert_header", false},
		{"beside a secret, for tokens that are bound", web.Proxies{loopback}, one, bound, "", true},
		{"beside a secret, of any certificate", web.Proxies{loopback}, http.Header{"Client-Cert": {forwarded(other)}}, bound, "", true},
		{"beside a secret, for tokens that are not bound", web.Proxies{loopback}, one, "grant_type=client_credentials&client_id=web&client_secret=" + secret, "", false},
		{"not at all, for tokens that are bound", web.Proxies{loopback}, nil, bound, "certificate_missing", false},
		{"to a public client whose tokens are bound", web.Proxies{loopback}, one, "grant_type=password&client_id=bound-app&username=alice&password=" + password, "", true},
		{"not to a public client whose tokens are bound", web.Proxies{loopback}, nil, "grant_type=password&client_id=bound-app&username=alice&password=" + password, "certificate_missing", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Clients.CertificateProxies = c.proxies
			v := s.visit(s.public(10*time.Second), openapitest.New(t).HostileClient(nil))
			a := v.from(c.header, strings.ReplaceAll(c.body, " ", "+"))
			if c.reason != "" {
				if a.status < 400 || a.status >= 500 || !strings.Contains(lastLine(s.log.String()), `"reason":"`+c.reason+`"`) {
					t.Errorf("answered %d %s, want %s", a.status, a.body, c.reason)
				}
				return
			}
			if a.status != http.StatusOK {
				t.Fatalf("answered %d %s", a.status, a.body)
			}
			var want any
			if c.bound {
				want = map[string]any{"x5t#S256": thumbprint(t, c.header.Get("Client-Cert"))}
			}
			if diff := cmp.Diff(want, confirmed(t, a)); diff != "" || a.text(t, "token_type") != "Bearer" {
				t.Errorf("%s\n%s", diff, a.body)
			}
		})
	}
}

func lastLine(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return lines[len(lines)-1]
}

func thumbprint(t *testing.T, header string) string {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(strings.Trim(header, ":"))
	if err != nil {
		t.Fatal(err)
	}
	return jose.Thumbprint256(der)
}

// If TLS ends here, the certificate is that of the connection, and no header replaces it. A listed
// proxy's own certificate is not its clients' certificate.
func TestCertificatesOfTheConnection(t *testing.T) {
	own, other := selfSigned(t), selfSigned(t)
	s := newCertifiedSite(t, own)
	server := httptest.NewUnstartedServer(s.public(10 * time.Second))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	const batch = "grant_type=client_credentials&client_id=batch"
	for _, c := range []struct {
		name    string
		present []tls.Certificate
		header  http.Header
		proxy   bool
		status  int
	}{
		{"its own", []tls.Certificate{own}, nil, false, http.StatusOK},
		{"another", []tls.Certificate{other}, nil, false, http.StatusUnauthorized},
		{"none", nil, nil, false, http.StatusUnauthorized},
		{"none, and a header", nil, http.Header{"Client-Cert": {forwarded(own)}}, false, http.StatusUnauthorized},
		{"another, and a header", []tls.Certificate{other}, http.Header{"Client-Cert": {forwarded(own)}}, false, http.StatusUnauthorized},
		{"its own, and a header with another client's", []tls.Certificate{own}, http.Header{"Client-Cert": {"x"}}, false, http.StatusOK},
		{"a proxy's, which forwards it", []tls.Certificate{other}, http.Header{"Client-Cert": {forwarded(own)}}, true, http.StatusOK},
		{"a proxy's, which forwards none", []tls.Certificate{own}, nil, true, http.StatusUnauthorized},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Clients.CertificateProxies = nil
			if c.proxy {
				s.Clients.CertificateProxies = web.Proxies{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
			}
			roots := x509.NewCertPool()
			roots.AddCert(server.Certificate())
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: c.present}, DisableKeepAlives: true}
			v := visitor{t, server.URL, &http.Client{Transport: transport}}
			if a := v.from(c.header, batch); a.status != c.status {
				t.Errorf("answered %d %s, want %d", a.status, a.body, c.status)
			}
		})
	}
}

// RFC 8705 §3.2: introspection returns the binding of a token. The client introspects and revokes
// with its certificate too.
func TestIntrospectABoundToken(t *testing.T) {
	own := selfSigned(t)
	s := newCertifiedSite(t, own)
	s.Clients.CertificateProxies = web.Proxies{netip.MustParsePrefix("127.0.0.1/32")}
	v := s.open()
	header := http.Header{"Client-Cert": {forwarded(own)}}
	token := v.from(header, "grant_type=client_credentials&client_id=batch").text(t, "access_token")
	ask := map[string]string{"Client-Cert": forwarded(own), "Content-Type": "application/x-www-form-urlencoded"}
	body := v.do(http.MethodPost, IntrospectPath, "client_id=batch&token="+token, ask).json(t)
	want := map[string]any{"x5t#S256": thumbprint(t, forwarded(own))}
	if diff := cmp.Diff(want, body["cnf"]); diff != "" || body["active"] != true {
		t.Errorf("%s\n%v", diff, body)
	}
	if a := v.do(http.MethodPost, RevokePath, "client_id=batch&token="+token, ask); a.status != http.StatusOK {
		t.Errorf("revocation answered %d %s", a.status, a.body)
	}
	if body := v.introspect("api", token).json(t); body["active"] != false {
		t.Errorf("after its revocation it is %v", body)
	}
}

// RFC 8705 §3.3: the metadata says so if the server accepts certificates, and only then.
func TestMetadataOfCertificates(t *testing.T) {
	s := newCertifiedSite(t, selfSigned(t))
	body := s.open().do(http.MethodGet, MetadataPath, "", nil).json(t)
	if methods, _ := body["token_endpoint_auth_methods_supported"].([]any); body["tls_client_certificate_bound_access_tokens"] != true || methods[0] != "self_signed_tls_client_auth" {
		t.Errorf("it is %v", body)
	}
	if body := newSite(t).open().do(http.MethodGet, MetadataPath, "", nil).json(t); body["tls_client_certificate_bound_access_tokens"] != nil {
		t.Errorf("without certificates it is %v", body)
	}
}

// RFC 8705 §4: the refresh tokens of a public client are bound to the certificate of its login,
// because nothing else protects them. A thief without the key can neither use a refresh token nor
// end its family.
func TestRefreshTokensOfAPublicClientAreBound(t *testing.T) {
	own, other := selfSigned(t), selfSigned(t)
	s := newCertifiedSite(t, own)
	s.Clients.CertificateProxies = web.Proxies{netip.MustParsePrefix("127.0.0.1/32")}
	v := s.open()
	by := func(c tls.Certificate) http.Header { return http.Header{"Client-Cert": {forwarded(c)}} }
	login := v.from(by(own), "grant_type=password&client_id=bound-app&username=alice&password="+strings.ReplaceAll(password, " ", "+"))
	refresh := "grant_type=refresh_token&client_id=bound-app&refresh_token=" + login.text(t, "refresh_token")
	v.refused(v.from(by(other), refresh), http.StatusBadRequest, oauth.InvalidGrant)
	v.refused(v.from(nil, refresh), http.StatusBadRequest, oauth.InvalidRequest)
	next := v.from(by(own), refresh)
	want := map[string]any{"x5t#S256": thumbprint(t, forwarded(own))}
	if diff := cmp.Diff(any(want), confirmed(t, next)); diff != "" {
		t.Errorf("%s\n%s", diff, next.body)
	}
}
