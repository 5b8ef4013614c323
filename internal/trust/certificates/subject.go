package certificates

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"authserver/internal/store"
)

// CheckSubject reports what is wrong with a subject that an operator wants to register.
func CheckSubject(subject store.TLSSubject) error {
	value := subject.Value
	if subject.Kind == store.TLSSubjectDN {
		_, err := parseName(value)
		return err
	}
	if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("it is not of printable ASCII characters without space, which is all that a certificate can hold there")
	}
	switch subject.Kind {
	case store.TLSSubjectDNS:
		if strings.ContainsAny(value, "/:@*") {
			return fmt.Errorf("%q is not the name of a host, such as batch.example.com", value)
		}
	case store.TLSSubjectURI:
		if u, err := url.Parse(value); err != nil || u.Scheme == "" {
			return fmt.Errorf("%q is not an absolute URI, such as spiffe://example.com/batch", value)
		}
	case store.TLSSubjectIP:
		if ip, err := netip.ParseAddr(value); err != nil || ip.Zone() != "" {
			return fmt.Errorf("%q is not an address, such as 192.0.2.7 or 2001:db8::7", value)
		}
	case store.TLSSubjectEmail:
		if local, host, _ := strings.Cut(value, "@"); local == "" || host == "" || strings.Contains(host, "@") {
			return fmt.Errorf("%q is not an e-mail address, such as batch@example.com", value)
		}
	default:
		return fmt.Errorf("%q is not a kind of subject", subject.Kind)
	}
	return nil
}

// IsFor reports whether a certificate is for the registered subject of a client (RFC 8705 §2.1.2):
// the subject is the certificate's subject DN, or one of its alternative names of that kind. A
// wildcard in a certificate matches only itself.
func IsFor(certificate *x509.Certificate, subject store.TLSSubject) bool {
	if subject.Kind == store.TLSSubjectDN {
		return hasName(certificate, subject.Value)
	}
	for _, entry := range alternatives(certificate, subject.Kind) {
		if sameEntry(subject, entry) {
			return true
		}
	}
	return false
}

func sameEntry(subject store.TLSSubject, entry string) bool {
	switch subject.Kind {
	case store.TLSSubjectIP:
		registered, err := netip.ParseAddr(subject.Value)
		held, ok := netip.AddrFromSlice([]byte(entry))
		return err == nil && ok && registered.Unmap() == held.Unmap()
	case store.TLSSubjectDNS:
		return strings.EqualFold(subject.Value, entry) // RFC 5280 §7.2
	}
	return subject.Value == entry
}

// alternatives returns the entries of a kind in the extension subjectAltName, byte by byte, because
// net/url would change the text of a URI.
func alternatives(certificate *x509.Certificate, kind store.TLSSubjectKind) []string {
	tags := map[store.TLSSubjectKind]int{ // RFC 5280 §4.2.1.6, GeneralName
		store.TLSSubjectEmail: 1, store.TLSSubjectDNS: 2, store.TLSSubjectURI: 6, store.TLSSubjectIP: 7,
	}
	tag, known := tags[kind]
	if !known {
		return nil
	}
	var found []string
	for _, extension := range certificate.Extensions {
		if !extension.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17}) {
			continue
		}
		var names []asn1.RawValue
		if rest, err := asn1.Unmarshal(extension.Value, &names); err != nil || len(rest) > 0 {
			return nil
		}
		for _, name := range names {
			if name.Class == asn1.ClassContextSpecific && name.Tag == tag {
				found = append(found, string(name.Bytes))
			}
		}
	}
	return found
}
