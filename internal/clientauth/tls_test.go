package clientauth

import (
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/testkit"
	"authserver/internal/trust/certificates"
	"authserver/internal/trust/remotekeys"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// issue makes a certificate of a template that is valid at noon, unless the template says
// otherwise; a nil authority makes it self-signed.
func (a *authority) issue(t *testing.T, template x509.Certificate) *authority {
	t.Helper()
	key := testkit.P256(t)
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = noon.Add(-time.Hour), noon.Add(time.Hour)
	}
	if a == nil {
		return &authority{testkit.SelfSigned(t, template, key), key}
	}
	return &authority{testkit.Certify(t, template, key.Public(), a.certificate, a.key), key}
}

func ca(name string) x509.Certificate {
	return x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
}

func forClient(name string) x509.Certificate {
	return x509.Certificate{
		Subject: pkix.Name{CommonName: name, Organization: []string{"Example"}}, DNSNames: []string{name + ".example.com"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

func presented(own *authority, others ...*authority) *certificates.Presented {
	p := &certificates.Presented{Leaf: own.certificate}
	for _, other := range others {
		p.Intermediates = append(p.Intermediates, other.certificate)
	}
	return p
}

// bench is an authenticator with every method, and the certificates of clients.
type bench struct {
	*Authenticator
	root, intermediate, stranger, own, expired *authority
}

func newBench(t *testing.T) bench {
	t.Helper()
	none := (*authority)(nil)
	b := bench{root: none.issue(t, ca("root")), stranger: none.issue(t, ca("root")), own: none.issue(t, forClient("self"))}
	b.intermediate = b.root.issue(t, ca("intermediate"))
	old := forClient("self")
	old.NotBefore, old.NotAfter = noon.Add(-2*time.Hour), noon.Add(-time.Hour)
	b.expired = none.issue(t, old)
	inSet := none.issue(t, forClient("set"))
	published := keySet(t, b.own.certificate, map[string]any{"alg": "ES256", "x5c": []string{base64.StdEncoding.EncodeToString(b.own.certificate.Raw)}})
	publisher := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/jwks" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(published)
	}))
	t.Cleanup(publisher.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(publisher.Certificate())
	remote := &remotekeys.Sets{Fetcher: remotekeys.NewFetcher(remotekeys.FetcherOptions{AllowHosts: []string{"127.0.0.1"}, RootCAs: trusted}), Now: time.Now}
	dn := store.TLSSubject{Kind: store.TLSSubjectDN, Value: "CN=batch,O=Example"}
	byTLS, bySelf := []oauth.AuthMethod{oauth.AuthTLS}, []oauth.AuthMethod{oauth.AuthSelfSignedTLS}
	known := clients()
	all := map[string]store.Client{"web": known["web"], "app": known["app"]}
	for _, c := range []store.Client{
		{ID: "batch", AuthMethods: byTLS, TLSSubject: dn},
		{ID: "host", AuthMethods: byTLS, TLSSubject: store.TLSSubject{Kind: store.TLSSubjectDNS, Value: "batch.example.com"}},
		{ID: "unnamed", AuthMethods: byTLS},
		{ID: "off", AuthMethods: byTLS, TLSSubject: dn, Disabled: true},
		{ID: "self", AuthMethods: bySelf, Certificates: [][]byte{inSet.certificate.Raw, b.own.certificate.Raw}},
		{ID: "old", AuthMethods: bySelf, Certificates: [][]byte{b.expired.certificate.Raw}},
		{ID: "chain", AuthMethods: bySelf, JWKS: keySet(t, b.own.certificate, map[string]any{"x5c": []string{base64.StdEncoding.EncodeToString(b.own.certificate.Raw)}})},
		{ID: "thumbprint", AuthMethods: bySelf, JWKS: keySet(t, b.own.certificate, map[string]any{"x5t#S256": presented(b.own).Thumbprint()})},
		{ID: "key", AuthMethods: bySelf, JWKS: keySet(t, b.own.certificate, nil)},
		{ID: "encrypts", AuthMethods: bySelf, JWKS: keySet(t, b.own.certificate, map[string]any{"use": "enc", "x5t#S256": presented(b.own).Thumbprint()})},
		{ID: "either", AuthMethods: append(append([]oauth.AuthMethod{oauth.AuthPost}, byTLS...), bySelf...), TLSSubject: dn, Certificates: [][]byte{b.own.certificate.Raw}, Secrets: known["web"].Secrets},
		{ID: "publishes", AuthMethods: bySelf, JWKSURI: publisher.URL + "/jwks"},
		{ID: "silent", AuthMethods: bySelf, JWKSURI: publisher.URL + "/gone"},
		{ID: "damaged", AuthMethods: bySelf, JWKS: json.RawMessage(`7`)},
	} {
		all[c.ID] = c
	}
	pool := x509.NewCertPool()
	pool.AddCert(b.root.certificate)
	secrets := Secrets{Slow: verified()}
	var err error
	b.Authenticator, err = New(&clientStore{clients: all}, SecretBasic{Secrets: secrets}, SecretPost{Secrets: secrets},
		&SelfSignedTLS{Remote: remote}, TLS{Authorities: func() *x509.CertPool { return pool }}, None{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// keySet returns a JWK Set with the key of a certificate, and more members.
func keySet(t *testing.T, certificate *x509.Certificate, members map[string]any) json.RawMessage {
	t.Helper()
	point, err := certificate.PublicKey.(*ecdsa.PublicKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	key := map[string]any{"kty": "EC", "crv": "P-256", "x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:])}
	for name, value := range members {
		key[name] = value
	}
	set, err := json.Marshal(map[string]any{"keys": []any{key}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// A certificate that was removed from a client's key set no longer authenticates the client.
func TestAKeySetThatChangesIsObeyedAtOnce(t *testing.T) {
	b := newBench(t)
	method := &SelfSignedTLS{}
	withOwn := keySet(t, b.own.certificate, map[string]any{"x5t#S256": presented(b.own).Thumbprint()})
	without := keySet(t, b.own.certificate, nil)
	for _, set := range []struct {
		jwks json.RawMessage
		good bool
	}{{withOwn, true}, {without, false}, {withOwn, true}} {
		_, err := method.Verify(t.Context(), store.Client{ID: "c", JWKS: set.jwks}, Credentials{ClientID: "c", Certificate: presented(b.own)}, noon)
		if (err == nil) != set.good {
			t.Errorf("with the certificate there %v: %v", set.good, err)
		}
	}
}

func TestCertificates(t *testing.T) {
	b := newBench(t)
	batch := b.root.issue(t, forClient("batch"))
	below := b.intermediate.issue(t, forClient("batch"))
	expired, early, server, anyUse := forClient("batch"), forClient("batch"), forClient("batch"), forClient("batch")
	expired.NotBefore, expired.NotAfter = noon.Add(-2*time.Hour), noon.Add(-time.Second)
	early.NotBefore, early.NotAfter = noon.Add(time.Second), noon.Add(time.Hour)
	server.ExtKeyUsage, anyUse.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, nil
	const web = "right"
	for _, c := range []struct {
		name        string
		certificate *certificates.Presented
		body        string
		method      oauth.AuthMethod // "": refused
		reason      string
	}{
		{"a certificate for the subject", presented(batch), "client_id=batch", oauth.AuthTLS, ""},
		{"by an intermediate that is sent along", presented(below, b.intermediate), "client_id=batch", oauth.AuthTLS, ""},
		{"by an intermediate that is not", presented(below), "client_id=batch", "", "client_proof"},
		{"for the host", presented(batch), "client_id=host", oauth.AuthTLS, ""},
		{"for another client", presented(b.root.issue(t, forClient("other"))), "client_id=batch", "", "client_proof"},
		{"for another host", presented(b.root.issue(t, forClient("other"))), "client_id=host", "", "client_proof"},
		{"by another authority of the same name", presented(b.stranger.issue(t, forClient("batch"))), "client_id=batch", "", "client_proof"},
		{"by another authority that comes along", presented(b.stranger.issue(t, forClient("batch")), b.stranger), "client_id=batch", "", "client_proof"},
		{"by itself", presented((*authority)(nil).issue(t, forClient("batch"))), "client_id=batch", "", "client_proof"},
		{"by a certificate that is no authority", presented(batch.issue(t, forClient("batch")), batch), "client_id=batch", "", "client_proof"},
		{"expired", presented(b.root.issue(t, expired)), "client_id=batch", "", "client_proof"},
		{"not valid yet", presented(b.root.issue(t, early)), "client_id=batch", "", "client_proof"},
		{"for servers", presented(b.root.issue(t, server)), "client_id=batch", "", "client_proof"},
		{"for every use", presented(b.root.issue(t, anyUse)), "client_id=batch", oauth.AuthTLS, ""},
		{"of a client without a subject", presented(batch), "client_id=unnamed", "", "client_proof"},
		{"of a client that is disabled", presented(batch), "client_id=off", "", "client_disabled"},
		{"of a client that is not there", presented(batch), "client_id=gone", "", "client_unknown"},

		{"one of those registered", presented(b.own), "client_id=self", oauth.AuthSelfSignedTLS, ""},
		{"expired, and registered", presented(b.expired), "client_id=old", oauth.AuthSelfSignedTLS, ""},
		{"another for the same subject", presented((*authority)(nil).issue(t, forClient("self"))), "client_id=self", "", "client_proof"},
		{"by the authority, and not registered", presented(batch), "client_id=self", "", "client_proof"},
		{"in x5c of the key set", presented(b.own), "client_id=chain", oauth.AuthSelfSignedTLS, ""},
		{"in x5t#S256 of the key set", presented(b.own), "client_id=thumbprint", oauth.AuthSelfSignedTLS, ""},
		{"another than in the key set", presented(b.expired), "client_id=chain", "", "client_proof"},
		{"a key of the set without its certificate", presented(b.own), "client_id=key", "", "client_proof"},
		{"a key of the set that encrypts", presented(b.own), "client_id=encrypts", "", "client_proof"},

		{"in the key set that the client publishes", presented(b.own), "client_id=publishes", oauth.AuthSelfSignedTLS, ""},
		{"another than in the key set that the client publishes", presented(b.expired), "client_id=publishes", "", "client_proof"},

		{"the first of two methods", presented(b.own), "client_id=either", oauth.AuthSelfSignedTLS, ""},
		{"the second of two methods", presented(batch), "client_id=either", oauth.AuthTLS, ""},
		{"neither of two methods", presented(b.expired), "client_id=either", "", "client_proof"},
		{"beside a secret that the client may use", presented(b.expired), "client_id=either&client_secret=" + web, oauth.AuthPost, ""},
		{"beside a secret, of a client of secrets", presented(b.own), "client_id=web&client_secret=" + web, oauth.AuthPost, ""},
		{"beside a secret of a client of certificates", presented(b.own), "client_id=self&client_secret=" + web, "", "client_auth_method"},
		{"instead of a secret", presented(b.own), "client_id=web", "", "client_auth_method"},
		{"of a public client", presented(b.own), "client_id=app", oauth.AuthNone, ""},
		{"none, of a client of certificates", nil, "client_id=self", "", "client_auth_method"},
		{"none, of a client of an authority", nil, "client_id=batch", "", "client_auth_method"},
		{"none, of a public client", nil, "client_id=app", oauth.AuthNone, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := authenticate(t, b.Authenticator, Request{Form: form(t, c.body), Certificate: c.certificate, Now: noon})
			if c.method == "" {
				if refused := (*oauth.Error)(nil); !errors.As(err, &refused) || refused.Code != oauth.InvalidClient || refused.Reason != c.reason || got.Client != nil {
					t.Errorf("it is %+v, %v, want %s", got, err, c.reason)
				}
				return
			}
			if err != nil || got.Client == nil || got.Method != c.method || got.Certificate != c.certificate {
				t.Errorf("it is %+v, %v", got, err)
			}
		})
	}
}

// A certificate may belong to several clients, so without client_id it identifies none.
func TestACertificateAloneNamesNoClient(t *testing.T) {
	b := newBench(t)
	got, err := authenticate(t, b.Authenticator, Request{Form: form(t, "grant_type=x"), Certificate: presented(b.own), Now: noon})
	if got.Client != nil || err != nil {
		t.Errorf("it is %+v, %v", got, err)
	}
}

// A failed fetch of a key set says nothing about the client, which must try again.
func TestAKeySetThatIsNotThereIsNotInvalidClient(t *testing.T) {
	b := newBench(t)
	_, err := authenticate(t, b.Authenticator, Request{Form: form(t, "client_id=silent"), Certificate: presented(b.own), Now: noon})
	if refused := (*oauth.Error)(nil); !errors.As(err, &refused) || refused.Code != oauth.Unavailable {
		t.Errorf("it is %v", err)
	}
}

func TestADamagedKeySetIsOurFault(t *testing.T) {
	b := newBench(t)
	_, err := authenticate(t, b.Authenticator, Request{Form: form(t, "client_id=damaged"), Certificate: presented(b.own), Now: noon})
	if refused := (*oauth.Error)(nil); err == nil || errors.As(err, &refused) {
		t.Errorf("it is %v", err)
	}
}
