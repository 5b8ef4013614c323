package certificates

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"authserver/internal/store"
)

// named makes a certificate whose subject has these elements, the most general first as in DER. An
// element has types and values alternately.
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

// TestNoOtherNameIsTheRegisteredOne tries names that an attacker may get an authority to certify:
// text in a value that looks like other elements, and values of other ASN.1 types whose bytes are
// those of the name.
func TestNoOtherNameIsTheRegisteredOne(t *testing.T) {
	const registered = `CN=batch,O=Example`
	for name, certificate := range map[string]*x509.Certificate{
		"the whole name as a common name":   named(t, []string{"CN", "batch,O=Example"}),
		"the whole name as an organization": named(t, []string{"O", "Example,CN=batch"}),
		"the whole name, escaped":           named(t, []string{"CN", `batch\,O=Example`}),
		"the name in a set":                 named(t, []string{"CN", "batch", "O", "Example"}),
		"a set written in a value":          named(t, []string{"O", "Example"}, []string{"CN", "batch+O=Example"}),
		"an escape written in a value":      named(t, []string{"O", "Example"}, []string{"CN", `\62atch`}),
		"BER written in a value":            named(t, []string{"O", "Example"}, []string{"CN", "#0c056261746368"}),
		"a NUL behind it":                   named(t, []string{"O", "Example"}, []string{"CN", "batch\x00"}),
		"a NUL and more behind it":          named(t, []string{"O", "Example"}, []string{"CN", "batch\x00.evil"}),
		"a space before it":                 named(t, []string{"O", "Example"}, []string{"CN", " batch"}),
		"a space behind it":                 named(t, []string{"O", "Example"}, []string{"CN", "batch "}),
		"letters that look alike":           named(t, []string{"O", "Example"}, []string{"CN", "bаtch"}),
		"full-width letters":                named(t, []string{"O", "Example"}, []string{"CN", "ｂatch"}),
		"a character of no width":           named(t, []string{"O", "Example"}, []string{"CN", "bat\u200bch"}),
		"an element below it":               named(t, []string{"O", "Example"}, []string{"CN", "batch"}, []string{"CN", "evil"}),
		"an element above it":               named(t, []string{"C", "DE"}, []string{"O", "Example"}, []string{"CN", "batch"}),
		"an attribute beside it":            named(t, []string{"O", "Example"}, []string{"CN", "batch", "OU", "evil"}),
		"the attribute twice":               named(t, []string{"O", "Example"}, []string{"CN", "batch", "CN", "batch"}),
		"another type":                      named(t, []string{"O", "Example"}, []string{"UID", "batch"}),
		"a type whose number goes on":       named(t, []string{"O", "Example"}, []string{"2.5.4.3.1", "batch"}),
	} {
		t.Run(name, func(t *testing.T) {
			if IsFor(certificate, subject(store.TLSSubjectDN, registered)) {
				t.Errorf("%s is for %s", certificate.Subject, registered)
			}
		})
	}
}

// TestStringTypesOfNames checks that the ASN.1 type of a value does not matter if it defines the
// characters, and that a name does not match if the type does not define them.
func TestStringTypesOfNames(t *testing.T) {
	for _, c := range []struct {
		name, held, registered string // held is the common name in DER, as hexadecimal digits
		want                   bool
	}{
		{"UTF8String", "0c056261746368", "CN=batch", true},
		{"PrintableString", "13056261746368", "CN=batch", true},
		{"IA5String", "16056261746368", "CN=batch", true},
		{"BMPString", "1e0a00620061007400630068", "CN=batch", true},
		{"T61String of ASCII", "14056261746368", "CN=batch", true},
		{"T61String of bytes that are UTF-8", "1402c3bc", "CN=ü", false},
		{"T61String of Latin-1", "1401fc", "CN=ü", false},
		{"BMPString beyond ASCII", "1e0200fc", "CN=ü", true},
		{"BMPString whose bytes are the name", "1e024142", "CN=AB", false},
		{"UTF8String whose bytes are the BMPString registered", "0c0400410042", "CN=#1e0400410042", false},
		{"UTF8String of the BMPString registered", "0c024142", "CN=#1e0400410042", true},
		{"an empty value", "0c00", `CN=\20`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			value, err := hex.DecodeString(c.held)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := asn1.Marshal([]attributeSET{{{asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.RawValue{FullBytes: value}}}})
			if err != nil {
				t.Fatal(err)
			}
			s := subject(store.TLSSubjectDN, c.registered)
			if err := CheckSubject(s); err != nil {
				t.Fatal(err)
			}
			if got := IsFor(certify(t, x509.Certificate{RawSubject: raw}), s); got != c.want {
				t.Errorf("%s for %s: %t", c.held, c.registered, got)
			}
		})
	}
}

// A name with any escapes that RFC 4514 §2.4 allows is the certificate's.
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
			if len(element) == 0 || !slices.IsSorted(element) {
				t.Errorf("%q has the element %q", text, element)
			}
			for _, a := range element {
				if oid, value, found := strings.Cut(a, "="); !found || oid == "" || value == "" || !utf8.ValidString(value) {
					t.Errorf("%q has the attribute %q", text, a)
				}
			}
		}
	})
}
