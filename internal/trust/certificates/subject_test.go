package certificates

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"authserver/internal/store"
)

func subject(kind store.TLSSubjectKind, value string) store.TLSSubject {
	return store.TLSSubject{Kind: kind, Value: value}
}

// named makes a certificate whose subject has these elements, the most general first
// as in DER; an element is types and values in turn.
func named(t testing.TB, elements ...[]string) *x509.Certificate {
	t.Helper()
	var sequence pkix.RDNSequence
	for _, element := range elements {
		var set pkix.RelativeDistinguishedNameSET
		for i := 0; i < len(element); i += 2 {
			oid, err := attributeType(element[i])
			if err != nil {
				t.Fatal(err)
			}
			var kind asn1.ObjectIdentifier
			for part := range strings.SplitSeq(oid, ".") {
				n, err := strconv.Atoi(part)
				if err != nil {
					t.Fatal(err)
				}
				kind = append(kind, n)
			}
			set = append(set, pkix.AttributeTypeAndValue{Type: kind, Value: element[i+1]})
		}
		sequence = append(sequence, set)
	}
	raw, err := asn1.Marshal(sequence)
	if err != nil {
		t.Fatal(err)
	}
	return certify(t, x509.Certificate{RawSubject: raw})
}

func TestNames(t *testing.T) {
	plain := named(t, []string{"C", "DE"}, []string{"O", "Example, Inc."}, []string{"CN", "batch"})
	set := named(t, []string{"DC", "com"}, []string{"DC", "example"}, []string{"OU", "a", "CN", "x+y"})
	odd := named(t, []string{"CN", " #ü "})
	for _, c := range []struct {
		name        string
		certificate *x509.Certificate
		registered  string
		want        bool
	}{
		{"as RFC 4514 writes it", plain, `CN=batch,O=Example\, Inc.,C=DE`, true},
		{"with spaces around the separators", plain, ` CN = batch , O = Example\, Inc. , C = DE `, true},
		{"types in another case", plain, `cn=batch,o=Example\, Inc.,c=DE`, true},
		{"types as OID", plain, `2.5.4.3=batch,2.5.4.10=Example\, Inc.,2.5.4.6=DE`, true},
		{"escapes in hexadecimal", plain, `CN=b\61tch,O=Example\2C Inc.,C=DE`, true},
		{"a value as BER", plain, `CN=#0c056261746368,O=Example\, Inc.,C=DE`, true},
		{"the order of DER", plain, `C=DE,O=Example\, Inc.,CN=batch`, false},
		{"a value in another case", plain, `CN=Batch,O=Example\, Inc.,C=DE`, false},
		{"another value", plain, `CN=batch2,O=Example\, Inc.,C=DE`, false},
		{"a part of it", plain, `CN=batch,O=Example\, Inc.`, false},
		{"the common name alone", plain, `CN=batch`, false},
		{"more than it", plain, `CN=batch,O=Example\, Inc.,C=DE,C=DE`, false},
		{"two elements as one", plain, `CN=batch+O=Example\, Inc.,C=DE`, false},
		{"a set", set, `OU=a+CN=x\+y,DC=example,DC=com`, true},
		{"a set in another order", set, `CN=x\+y+OU=a,DC=example,DC=com`, true},
		{"a set as two elements", set, `OU=a,CN=x\+y,DC=example,DC=com`, false},
		{"spaces and a hash that belong to it", odd, `CN=\ \#ü\ `, true},
		{"UTF-8 in hexadecimal", odd, `CN=\20#\C3\BC\20`, true},
		{"without the spaces", odd, `CN=\#ü`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := subject(store.TLSSubjectDN, c.registered)
			if err := CheckSubject(s); err != nil {
				t.Errorf("it cannot be registered: %v", err)
			}
			if got := IsFor(c.certificate, s); got != c.want {
				t.Errorf("%q for %s: %t", c.registered, c.certificate.Subject, got)
			}
		})
	}
}

func TestACertificateWithoutAName(t *testing.T) {
	if IsFor(certify(t, x509.Certificate{}), subject(store.TLSSubjectDN, "")) {
		t.Error("an empty name is for somebody")
	}
}

func TestAlternativeNames(t *testing.T) {
	uri := func(text string) *url.URL { return &url.URL{Opaque: text} } // written as it stands
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
		{store.TLSSubjectDN, "CN=batch,,O=x", "not a type"},
		{store.TLSSubjectDN, "CN=", "empty"},
		{store.TLSSubjectDN, "CN=a,O= ", "empty"},
		{store.TLSSubjectDN, "XX=a", "not a type"},
		{store.TLSSubjectDN, "3.5=a", "not a type"},
		{store.TLSSubjectDN, `CN="a"`, "escaped"},
		{store.TLSSubjectDN, "CN=a;O=b", "escaped"},
		{store.TLSSubjectDN, `CN=a\`, "backslash"},
		{store.TLSSubjectDN, `CN=a\x`, "backslash"},
		{store.TLSSubjectDN, `CN=\FF`, "UTF-8"},
		{store.TLSSubjectDN, "CN=#zz", "hexadecimal"},
		{store.TLSSubjectDN, "CN=#0c0561", "no ASN.1"},
		{store.TLSSubjectDN, "CN=#020107", "no text"},
		{store.TLSSubjectDN, "CN=#0c0161b,O=x", "hexadecimal"},
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

// However a value is made of, escaped as RFC 4514 §2.4 says it is the certificate's.
func TestEscapedNamesAreFound(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune(` ,+"\<>;=#aü`+"\x00")), 1, 8, -1)
		cn, o := text.Draw(r, "CN"), text.Draw(r, "O")
		certificate := named(t, []string{"O", o}, []string{"CN", cn})
		var escaped [2]strings.Builder
		for i, value := range []string{cn, o} {
			for _, b := range []byte(value) {
				escaped[i].WriteString(`\` + string("0123456789abcdef"[b>>4]) + string("0123456789abcdef"[b&15]))
			}
		}
		if !IsFor(certificate, subject(store.TLSSubjectDN, "CN="+escaped[0].String()+",O="+escaped[1].String())) {
			r.Fatalf("CN=%q, O=%q is not found", cn, o)
		}
		if printed := certificate.Subject.ToRDNSequence().String(); !strings.Contains(printed, "\x00") && !IsFor(certificate, subject(store.TLSSubjectDN, printed)) {
			r.Fatalf("%s, as crypto/x509 prints it, is not found", printed)
		}
	})
}

func FuzzName(f *testing.F) {
	for _, seed := range []string{
		`CN=batch,O=Example\, Inc.,C=DE`, "OU=a+CN=b", "CN=#0c0161", `CN=\20a\ `, "2.5.4.3=x", "/CN=x", "CN=", "=", ",", "+", `CN=\`, "CN=#", "DC=a,DC=b", "CN=a\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parseName(text)
		if err != nil {
			return
		}
		if len(parsed) == 0 {
			t.Errorf("%q is a name of nothing", text)
		}
		for _, element := range parsed {
			if len(element) == 0 {
				t.Errorf("%q has an empty element", text)
			}
			for _, a := range element {
				if a.value == "" || a.oid == "" {
					t.Errorf("%q has an empty attribute", text)
				}
			}
		}
	})
}
