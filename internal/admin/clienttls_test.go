package admin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/admin"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// certified returns a certificate in DER that is valid from now for a duration.
func (o *office) certified(t *testing.T, expires time.Duration) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	o.must(err)
	return certificate(t, key, o.clock.Add(expires))
}

func TestAClientOfAnAuthority(t *testing.T) {
	o := newOffice(t)
	o.Clients.TakesCertificates, o.Clients.TrustsAuthorities = true, true
	subject := admin.TLSSubject{Kind: "dn", Value: `CN=batch,O=Example\, Inc.`}
	made, warnings, err := o.Clients.Create(t.Context(), by, admin.NewClient{ID: "batch", ClientInput: admin.ClientInput{
		AuthMethods: []oauth.AuthMethod{"tls_client_auth"}, Grants: []oauth.GrantType{"client_credentials"}, TLSSubject: &subject,
	}})
	o.must(err)
	if made.Secret != "" || len(made.Secrets) > 0 || made.Public || len(warnings) > 0 {
		t.Errorf("it has a secret, or is public: %+v, %q", made, warnings)
	}
	if diff := cmp.Diff(&subject, made.TLSSubject); diff != "" {
		t.Error(diff)
	}
	kept, err := o.store.Client(t.Context(), "batch")
	o.must(err)
	if kept.TLSSubject != (store.TLSSubject{Kind: store.TLSSubjectDN, Value: subject.Value}) || kept.AuthMethods[0] != oauth.AuthTLS {
		t.Errorf("it is kept as %+v", kept)
	}
	_, err = o.Clients.RotateSecret(t.Context(), by, "batch", admin.SecretRotation{})
	wantFaults(t, err, "client update")
	other := admin.TLSSubject{Kind: "uri", Value: "spiffe://example.com/batch"}
	updated, _, err := o.Clients.Update(t.Context(), by, "batch", admin.ClientInput{TLSSubject: &other, TLSBound: ptr(true)})
	o.must(err)
	if updated.TLSBound == nil || !*updated.TLSBound || *updated.TLSSubject != other {
		t.Errorf("it was changed to %+v", updated)
	}
	_, _, err = o.Clients.Update(t.Context(), by, "batch", admin.ClientInput{TLSSubject: &admin.TLSSubject{Kind: "dn"}})
	wantFaults(t, err, "tls_subject")
}

func TestAClientOfItsOwnCertificates(t *testing.T) {
	o := newOffice(t)
	o.Clients.TakesCertificates = true
	first, second := o.certified(t, time.Hour), o.certified(t, 2*time.Hour)
	made, warnings, err := o.Clients.Create(t.Context(), by, admin.NewClient{ID: "batch", ClientInput: admin.ClientInput{
		AuthMethods: []oauth.AuthMethod{"self_signed_tls_client_auth"}, Grants: []oauth.GrantType{"client_credentials"}, Certificates: [][]byte{first, second},
	}})
	o.must(err)
	if made.Secret != "" || len(made.Certificates) != 2 || len(warnings) > 0 {
		t.Errorf("it is %+v, %q", made, warnings)
	}
	kept, err := o.store.Client(t.Context(), "batch")
	o.must(err)
	if diff := cmp.Diff(second, kept.Certificates[1]); diff != "" {
		t.Error(diff)
	}
	o.clock = o.clock.Add(90 * time.Minute)
	updated, _, err := o.Clients.Update(t.Context(), by, "batch", admin.ClientInput{Name: ptr("Batch")})
	o.must(err)
	if len(updated.Certificates) != 2 {
		t.Errorf("another change took certificates away: %+v", updated)
	}
	_, _, err = o.Clients.Update(t.Context(), by, "batch", admin.ClientInput{Certificates: [][]byte{first}})
	wantFaults(t, err, "certificates", "expired")
	_, _, err = o.Clients.Update(t.Context(), by, "batch", admin.ClientInput{Certificates: [][]byte{}})
	wantFaults(t, err, "certificates")
	updated, _, err = o.Clients.Update(t.Context(), by, "batch", admin.ClientInput{Certificates: [][]byte{}, AuthMethods: []oauth.AuthMethod{"client_secret_basic"}})
	o.must(err)
	if len(updated.Certificates) > 0 {
		t.Errorf("they are still there: %+v", updated)
	}
}

func TestASecretGoesWithItsMethods(t *testing.T) {
	o := newOffice(t)
	o.client(admin.NewClient{ID: "web"})
	updated, _, err := o.Clients.Update(t.Context(), by, "web", admin.ClientInput{
		AuthMethods: []oauth.AuthMethod{"tls_client_auth"}, TLSSubject: &admin.TLSSubject{Kind: "dns", Value: "web.example.com"},
	})
	o.must(err)
	if len(updated.Secrets) > 0 {
		t.Errorf("it is %+v", updated)
	}
}

func TestTLSThatIsRefused(t *testing.T) {
	subject := func(kind store.TLSSubjectKind, value string) *admin.TLSSubject {
		return &admin.TLSSubject{Kind: kind, Value: value}
	}
	byTLS := []oauth.AuthMethod{oauth.AuthTLS}
	for _, c := range []struct {
		name string
		n    admin.NewClient
		want []string
	}{
		{"an authority's without a subject", admin.NewClient{ClientInput: admin.ClientInput{AuthMethods: byTLS}}, []string{"tls_client_auth", "tls_subject"}},
		{"its own without a certificate", admin.NewClient{ClientInput: admin.ClientInput{AuthMethods: []oauth.AuthMethod{"self_signed_tls_client_auth"}}}, []string{"certificates"}},
		{"a certificate that is none", admin.NewClient{ClientInput: admin.ClientInput{Certificates: [][]byte{[]byte("x")}}}, []string{"certificates"}},
		{"a name that is none", admin.NewClient{ClientInput: admin.ClientInput{AuthMethods: byTLS, TLSSubject: subject("dn", "/CN=batch")}}, []string{"tls_subject", "slash"}},
		{"a host that is none", admin.NewClient{ClientInput: admin.ClientInput{AuthMethods: byTLS, TLSSubject: subject("dns", "*.example.com")}}, []string{"tls_subject"}},
		{"a URI that is none", admin.NewClient{ClientInput: admin.ClientInput{AuthMethods: byTLS, TLSSubject: subject("uri", "batch")}}, []string{"tls_subject"}},
		{"an address that is none", admin.NewClient{ClientInput: admin.ClientInput{AuthMethods: byTLS, TLSSubject: subject("ip", "batch")}}, []string{"tls_subject"}},
		{"an e-mail address that is none", admin.NewClient{ClientInput: admin.ClientInput{AuthMethods: byTLS, TLSSubject: subject("email", "batch")}}, []string{"tls_subject"}},
		{"a name that is too long", admin.NewClient{ClientInput: admin.ClientInput{AuthMethods: byTLS, TLSSubject: subject("dn", "CN="+strings.Repeat("x", 1024))}}, []string{"tls_subject", "1024"}},
		{"a secret beside no method of secrets", admin.NewClient{Secret: "long enough", ClientInput: admin.ClientInput{AuthMethods: byTLS, TLSSubject: subject("dn", "CN=a")}}, []string{"client_secret"}},
		{"none beside a certificate", admin.NewClient{ClientInput: admin.ClientInput{AuthMethods: append(byTLS, "none"), TLSSubject: subject("dn", "CN=a")}}, []string{"none makes a public client"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := newOffice(t).Clients.Create(t.Context(), by, c.n)
			wantFaults(t, err, c.want...)
		})
	}
}

// The command registers what a server with its settings would refuse, because servers may have
// other settings.
func TestWarningsOfTLS(t *testing.T) {
	byTLS := admin.ClientInput{Grants: []oauth.GrantType{"password"}, AuthMethods: []oauth.AuthMethod{"tls_client_auth"}, TLSSubject: &admin.TLSSubject{Kind: "dn", Value: "CN=a"}}
	bound := admin.ClientInput{Grants: []oauth.GrantType{"password"}, AuthMethods: []oauth.AuthMethod{"none"}, TLSBound: ptr(true)}
	unused := admin.ClientInput{Grants: []oauth.GrantType{"password"}, TLSSubject: &admin.TLSSubject{Kind: "dn", Value: "CN=a"}}
	for _, c := range []struct {
		name          string
		takes, trusts bool
		f             admin.ClientInput
		want          string // "": no warning
	}{
		{"no certificate arrives", false, false, byTLS, "no server accepts any"},
		{"no authority is trusted", true, false, byTLS, "tls-client-ca-file"},
		{"all is there", true, true, byTLS, ""},
		{"no certificate to bind to arrives", false, false, bound, "no server accepts any"},
		{"a certificate to bind to arrives", true, false, bound, ""},
		{"a subject that is not used", true, true, unused, "not used"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			o.Clients.TakesCertificates, o.Clients.TrustsAuthorities = c.takes, c.trusts
			_, warnings, err := o.Clients.Create(t.Context(), by, admin.NewClient{ClientInput: c.f})
			o.must(err)
			if text := said(warnings); (text == "") != (c.want == "") || !strings.Contains(text, c.want) {
				t.Errorf("warnings %q, want %q", warnings, c.want)
			}
		})
	}
}
