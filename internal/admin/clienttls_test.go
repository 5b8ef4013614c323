package admin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"authserver/internal/admin"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// certified is a certificate in PEM, good for an hour from the clock on.
func (o *office) certified(t *testing.T, expires time.Duration) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	o.must(err)
	return certificate(t, key, o.clock.Add(expires))
}

func TestAClientOfAnAuthority(t *testing.T) {
	o := newOffice(t)
	o.TakesCertificates, o.TrustsAuthorities = true, true
	subject := admin.TLSSubject{Kind: "dn", Value: `CN=batch,O=Example\, Inc.`}
	made, warnings, err := o.CreateClient(t.Context(), by, admin.NewClient{ID: "batch", ClientFields: admin.ClientFields{
		AuthMethods: []string{"tls_client_auth"}, Grants: []string{"client_credentials"}, TLSSubject: &subject,
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
	_, err = o.RotateSecret(t.Context(), by, "batch", admin.SecretRotation{})
	wantInvalid(t, err, "--auth-method")
	other := admin.TLSSubject{Kind: "uri", Value: "spiffe://example.com/batch"}
	updated, _, err := o.UpdateClient(t.Context(), by, "batch", admin.ClientFields{TLSSubject: &other, TLSBound: ptr(true)})
	o.must(err)
	if updated.TLSBound == nil || !*updated.TLSBound || *updated.TLSSubject != other {
		t.Errorf("it was changed to %+v", updated)
	}
	_, _, err = o.UpdateClient(t.Context(), by, "batch", admin.ClientFields{TLSSubject: &admin.TLSSubject{Kind: "dn"}})
	wantInvalid(t, err, "--tls-subject-dn")
}

func TestAClientOfItsOwnCertificates(t *testing.T) {
	o := newOffice(t)
	o.TakesCertificates = true
	first, second := o.certified(t, time.Hour), o.certified(t, 2*time.Hour)
	made, warnings, err := o.CreateClient(t.Context(), by, admin.NewClient{ID: "batch", ClientFields: admin.ClientFields{
		AuthMethods: []string{"self_signed_tls_client_auth"}, Grants: []string{"client_credentials"}, Certificates: [][]byte{first, second},
	}})
	o.must(err)
	if made.Secret != "" || len(made.Certificates) != 2 || len(warnings) > 0 {
		t.Errorf("it is %+v, %q", made, warnings)
	}
	kept, err := o.store.Client(t.Context(), "batch")
	o.must(err)
	block, _ := pem.Decode(second)
	if diff := cmp.Diff(block.Bytes, kept.Certificates[1]); diff != "" {
		t.Error(diff)
	}
	o.clock = o.clock.Add(90 * time.Minute)
	updated, _, err := o.UpdateClient(t.Context(), by, "batch", admin.ClientFields{Name: ptr("Batch")})
	o.must(err)
	if len(updated.Certificates) != 2 {
		t.Errorf("another change took certificates away: %+v", updated)
	}
	_, _, err = o.UpdateClient(t.Context(), by, "batch", admin.ClientFields{Certificates: [][]byte{first}})
	wantInvalid(t, err, "--certificate-file", "expired")
	_, _, err = o.UpdateClient(t.Context(), by, "batch", admin.ClientFields{Certificates: [][]byte{}})
	wantInvalid(t, err, "--certificate-file")
	updated, _, err = o.UpdateClient(t.Context(), by, "batch", admin.ClientFields{Certificates: [][]byte{}, AuthMethods: []string{"client_secret_basic"}})
	o.must(err)
	if len(updated.Certificates) > 0 {
		t.Errorf("they are still there: %+v", updated)
	}
}

func TestASecretGoesWithItsMethods(t *testing.T) {
	o := newOffice(t)
	o.client(admin.NewClient{ID: "web"})
	updated, _, err := o.UpdateClient(t.Context(), by, "web", admin.ClientFields{
		AuthMethods: []string{"tls_client_auth"}, TLSSubject: &admin.TLSSubject{Kind: "dns", Value: "web.example.com"},
	})
	o.must(err)
	if len(updated.Secrets) > 0 {
		t.Errorf("it is %+v", updated)
	}
}

func TestTLSThatIsRefused(t *testing.T) {
	subject := func(kind admin.TLSSubjectKind, value string) *admin.TLSSubject {
		return &admin.TLSSubject{Kind: kind, Value: value}
	}
	byTLS := []string{"tls_client_auth"}
	for _, c := range []struct {
		name string
		n    admin.NewClient
		want []string
	}{
		{"an authority's without a subject", admin.NewClient{ClientFields: admin.ClientFields{AuthMethods: byTLS}}, []string{"tls_client_auth", "--tls-subject-dn"}},
		{"its own without a certificate", admin.NewClient{ClientFields: admin.ClientFields{AuthMethods: []string{"self_signed_tls_client_auth"}}}, []string{"--certificate-file"}},
		{"a certificate that is none", admin.NewClient{ClientFields: admin.ClientFields{Certificates: [][]byte{[]byte("x")}}}, []string{"--certificate-file"}},
		{"a name that is none", admin.NewClient{ClientFields: admin.ClientFields{AuthMethods: byTLS, TLSSubject: subject("dn", "/CN=batch")}}, []string{"--tls-subject-dn", "slash"}},
		{"a host that is none", admin.NewClient{ClientFields: admin.ClientFields{AuthMethods: byTLS, TLSSubject: subject("dns", "*.example.com")}}, []string{"--tls-san-dns"}},
		{"a URI that is none", admin.NewClient{ClientFields: admin.ClientFields{AuthMethods: byTLS, TLSSubject: subject("uri", "batch")}}, []string{"--tls-san-uri"}},
		{"an address that is none", admin.NewClient{ClientFields: admin.ClientFields{AuthMethods: byTLS, TLSSubject: subject("ip", "batch")}}, []string{"--tls-san-ip"}},
		{"an e-mail address that is none", admin.NewClient{ClientFields: admin.ClientFields{AuthMethods: byTLS, TLSSubject: subject("email", "batch")}}, []string{"--tls-san-email"}},
		{"a name that is too long", admin.NewClient{ClientFields: admin.ClientFields{AuthMethods: byTLS, TLSSubject: subject("dn", "CN="+strings.Repeat("x", 1024))}}, []string{"--tls-subject-dn", "1024"}},
		{"a secret beside no method of secrets", admin.NewClient{Secret: "long enough", ClientFields: admin.ClientFields{AuthMethods: byTLS, TLSSubject: subject("dn", "CN=a")}}, []string{"--secret-file"}},
		{"none beside a certificate", admin.NewClient{ClientFields: admin.ClientFields{AuthMethods: append(byTLS, "none"), TLSSubject: subject("dn", "CN=a")}}, []string{"--auth-method none"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := newOffice(t).CreateClient(t.Context(), by, c.n)
			wantInvalid(t, err, c.want...)
		})
	}
}

// What no server with these settings would take is registered all the same: servers
// may have others.
func TestWarningsOfTLS(t *testing.T) {
	byTLS := admin.ClientFields{Grants: []string{"password"}, AuthMethods: []string{"tls_client_auth"}, TLSSubject: &admin.TLSSubject{Kind: "dn", Value: "CN=a"}}
	bound := admin.ClientFields{Grants: []string{"password"}, AuthMethods: []string{"none"}, TLSBound: ptr(true)}
	unused := admin.ClientFields{Grants: []string{"password"}, TLSSubject: &admin.TLSSubject{Kind: "dn", Value: "CN=a"}}
	for _, c := range []struct {
		name          string
		takes, trusts bool
		f             admin.ClientFields
		want          string // "": no warning
	}{
		{"no certificate arrives", false, false, byTLS, "no server takes any"},
		{"no authority is trusted", true, false, byTLS, "tls-client-ca-file"},
		{"all is there", true, true, byTLS, ""},
		{"no certificate to bind to arrives", false, false, bound, "no server takes any"},
		{"a certificate to bind to arrives", true, false, bound, ""},
		{"a subject that is not used", true, true, unused, "not used"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			o.TakesCertificates, o.TrustsAuthorities = c.takes, c.trusts
			_, warnings, err := o.CreateClient(t.Context(), by, admin.NewClient{ClientFields: c.f})
			o.must(err)
			if text := said(warnings); (text == "") != (c.want == "") || !strings.Contains(text, c.want) {
				t.Errorf("warnings %q, want %q", warnings, c.want)
			}
		})
	}
}
