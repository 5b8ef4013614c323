package certificates

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/url"
	"strings"
	"testing"

	"authserver/internal/store"
)

func subject(kind store.TLSSubjectKind, value string) store.TLSSubject {
	return store.TLSSubject{Kind: kind, Value: value}
}

func TestACertificateWithoutAName(t *testing.T) {
	if IsFor(certify(t, x509.Certificate{}), subject(store.TLSSubjectDN, "")) {
		t.Error("an empty name is for a client")
	}
}

func TestAlternativeNames(t *testing.T) {
	uri := func(text string) *url.URL { return &url.URL{Opaque: text} } // as it is written
	certificate := certify(t, x509.Certificate{
		Subject:  pkix.Name{CommonName: "cn.example.com"},
		DNSNames: []string{"Batch.example.com", "*.wild.example.com"}, EmailAddresses: []string{"Batch@example.com"},
		IPAddresses: []net.IP{net.IPv4(192, 0, 2, 7), net.ParseIP("2001:db8::7")},
		URIs:        []*url.URL{uri("spiffe://example.com/batch"), uri("HTTPS://example.com/%7ea")},
	})
	for _, c := range []struct {
		name string
		kind store.TLSSubjectKind
		want string
		is   bool
	}{
		{"a host", store.TLSSubjectDNS, "batch.example.com", true},
		{"a host below a wildcard", store.TLSSubjectDNS, "a.wild.example.com", false},
		{"a part of a host", store.TLSSubjectDNS, "example.com", false},
		{"a host that is the common name alone", store.TLSSubjectDNS, "cn.example.com", false},
		{"an address of IPv4", store.TLSSubjectIP, "192.0.2.7", true},
		{"an address of IPv6 in another spelling", store.TLSSubjectIP, "2001:0db8:0::7", true},
		{"another address", store.TLSSubjectIP, "192.0.2.8", false},
		{"a URI", store.TLSSubjectURI, "spiffe://example.com/batch", true},
		{"a URI that begins so", store.TLSSubjectURI, "spiffe://example.com/bat", false},
		{"a URI as it is written", store.TLSSubjectURI, "HTTPS://example.com/%7ea", true},
		{"a URI that means the same", store.TLSSubjectURI, "https://example.com/~a", false},
		{"an e-mail address", store.TLSSubjectEmail, "Batch@example.com", true},
		{"another mailbox", store.TLSSubjectEmail, "batch@example.com", false},
		{"a host that stands as another kind", store.TLSSubjectURI, "x:Batch.example.com", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := subject(c.kind, c.want)
			if err := CheckSubject(s); err != nil {
				t.Error(err)
			}
			if got := IsFor(certificate, s); got != c.is {
				t.Errorf("%s: %t", c.want, got)
			}
		})
	}
}

func TestSubjectsThatCannotBeRegistered(t *testing.T) {
	for _, c := range []struct {
		kind        store.TLSSubjectKind
		value, want string
	}{
		{store.TLSSubjectDN, "", "not a distinguished name"},
		{store.TLSSubjectDN, "batch", "not a distinguished name"},
		{store.TLSSubjectDN, "/CN=batch/O=Example", "slash"},
		{store.TLSSubjectDN, "CN=batch,", "not a distinguished name"},
		{store.TLSSubjectDN, "CN=batch,,O=x", "not a distinguished name"},
		{store.TLSSubjectDN, "CN=", "no value is empty"},
		{store.TLSSubjectDN, "CN=a,O= ", "no value is empty"},
		{store.TLSSubjectDN, "XX=a", "not a type"},
		{store.TLSSubjectDN, "3.5=a", "not a type"},
		{store.TLSSubjectDN, `CN="a"`, "backslash"},
		{store.TLSSubjectDN, "CN=a;O=b", "backslash"},
		{store.TLSSubjectDN, `CN=a\`, "backslash"},
		{store.TLSSubjectDN, `CN=a\x`, "backslash"},
		{store.TLSSubjectDN, `CN=\FF`, "UTF-8"},
		{store.TLSSubjectDN, "CN=#zz", "backslash"},
		{store.TLSSubjectDN, "CN=#0c0561", "ASN.1 string"},
		{store.TLSSubjectDN, "CN=#020107", "ASN.1 string"},
		{store.TLSSubjectDN, "CN=#0c0161b,O=x", "odd"},
		{store.TLSSubjectDN, "CN=#", "ASN.1 string"},
		{store.TLSSubjectDN, "CN=#0c0161 0c0162", "backslash"},
		{store.TLSSubjectDN, "CN=#0c01610c0162", "ASN.1 string"},
		{store.TLSSubjectDN, "CN=#2c030c0161", "ASN.1 string"},
		{store.TLSSubjectDN, "CN=#1402c3bc", "ASN.1 type"},
		{store.TLSSubjectDN, "CN=#1b02c3bc", "ASN.1 type"},
		{store.TLSSubjectDN, "CN=a\x00", "backslash"},
		{store.TLSSubjectDN, "=CN=a", "not a type"},
		{store.TLSSubjectDN, "CN=a+", "not a distinguished name"},
		{store.TLSSubjectDNS, "", "printable"},
		{store.TLSSubjectDNS, "*.example.com", "not the name of a host"},
		{store.TLSSubjectDNS, "bücher.example", "printable"},
		{store.TLSSubjectURI, "batch", "absolute URI"},
		{store.TLSSubjectIP, "192.0.2.0/24", "not an address"},
		{store.TLSSubjectIP, "fe80::1%eth0", "not an address"},
		{store.TLSSubjectEmail, "batch", "not an e-mail"},
		{store.TLSSubjectEmail, "a@b@c", "not an e-mail"},
		{"serial", "1", "not a kind"},
	} {
		err := CheckSubject(subject(c.kind, c.value))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: the error is %v, want %q", c.kind, c.value, err, c.want)
		}
	}
}
