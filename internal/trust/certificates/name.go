package certificates

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// name is a distinguished name in the order of RFC 4514, the most specific element first. An
// element is a sorted set of attributes, each written as OID=value. An OID contains no =, so two
// attributes have the same text only if they are the same.
type name [][]string

// hasName reports whether the subject of a certificate is the registered one: the same elements in
// the same order, and each value the same to the byte. The rules by which LDAP compares are looser,
// and differ with each attribute. An authority always writes a name in the same way.
func hasName(certificate *x509.Certificate, registered string) bool {
	want, err := parseName(registered)
	if err != nil {
		return false
	}
	held, err := subjectOf(certificate)
	return err == nil && slices.EqualFunc(want, held, slices.Equal)
}

// attributeSET has the suffix by which encoding/asn1 distinguishes a SET from a SEQUENCE.
type attributeSET []struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

func subjectOf(certificate *x509.Certificate) (name, error) {
	var sequence []attributeSET
	if rest, err := asn1.Unmarshal(certificate.RawSubject, &sequence); err != nil || len(rest) > 0 {
		return nil, errors.New("the subject is malformed")
	}
	var held name
	for _, set := range slices.Backward(sequence) { // RFC 4514 §2.1
		var element []string
		for _, a := range set {
			value, err := decodeText(a.Value.FullBytes)
			if err != nil {
				return nil, err
			}
			element = append(element, a.Type.String()+"="+value)
		}
		slices.Sort(element)
		held = append(held, element)
	}
	return held, nil
}

var (
	// attributeForm is the grammar of RFC 4514 §3: a type, a value as hexadecimal BER or as text,
	// and the separator before the next one. The RFC does not have the spaces around the separators
	// that many programs print.
	attributeForm = regexp.MustCompile(`^ *([A-Za-z0-9.-]*) *= *` +
		`(?:#([0-9A-Fa-f]*)|((?:[^ #\\",+;<>\x00]|` + escapes + `)(?:[^\\",+;<>\x00]|` + escapes + `)*?)) *([,+]|$)`)
	escapeForm = regexp.MustCompile(escapes)
)

const escapes = `\\[ "#+,;<=>\\]|\\[0-9A-Fa-f]{2}`

// parseName reads a distinguished name as text (RFC 4514 §3). The ParseDN of go-ldap is no
// substitute: it drops the ASN.1 type of a value in BER, so that an INTEGER equals a text, and it
// accepts a semicolon as a separator.
func parseName(text string) (name, error) {
	if strings.HasPrefix(text, "/") {
		return nil, errors.New("it begins with a slash, as OpenSSL once wrote names: write CN=batch,O=Example, as `openssl x509 -noout -subject -nameopt RFC2253` prints it")
	}
	var parsed name
	var element []string
	for more := true; more; {
		m := attributeForm.FindStringSubmatch(text)
		if m == nil {
			return nil, fmt.Errorf("%q is not a distinguished name, such as CN=batch,O=Example (RFC 4514), or a part of one: no value is empty, "+
				`and a backslash stands before each of ",+;<>\ in a value and before a space or # at its ends`, text)
		}
		whole, kind, ber, value, separator := m[0], m[1], m[2], m[3], m[4]
		oid, err := attributeType(kind)
		if err != nil {
			return nil, err
		}
		if value, err = parseValue(ber, value); err != nil {
			return nil, fmt.Errorf("the value of %s: %w", kind, err)
		}
		element = append(element, oid+"="+value)
		if separator != "+" {
			slices.Sort(element)
			parsed, element = append(parsed, element), nil
		}
		text, more = text[len(whole):], separator != ""
	}
	return parsed, nil
}

// attributeType returns the OID of a type: the types of RFC 4514 §3 have a name, and so do two more
// that authorities use.
func attributeType(kind string) (string, error) {
	named := map[string]string{
		"CN": "2.5.4.3", "L": "2.5.4.7", "ST": "2.5.4.8", "O": "2.5.4.10", "OU": "2.5.4.11", "C": "2.5.4.6", "STREET": "2.5.4.9",
		"DC": "0.9.2342.19200300.100.1.25", "UID": "0.9.2342.19200300.100.1.1",
		"SERIALNUMBER": "2.5.4.5", "EMAILADDRESS": "1.2.840.113549.1.9.1",
	}
	if oid, known := named[strings.ToUpper(kind)]; known {
		return oid, nil
	}
	if oid, err := x509.ParseOID(kind); err == nil {
		return oid.String(), nil
	}
	return "", fmt.Errorf("%q is not a type of attribute: write CN, L, ST, O, OU, C, STREET, DC, UID, serialNumber, emailAddress, or its OID", kind)
}

// parseValue reads a value in one of the two forms: BER, or text with escapes.
func parseValue(ber, text string) (string, error) {
	if text == "" {
		der, err := hex.DecodeString(ber)
		if err != nil {
			return "", errors.New("after # the number of hexadecimal digits is odd")
		}
		return decodeText(der)
	}
	value := escapeForm.ReplaceAllStringFunc(text, func(escape string) string {
		if decoded, err := hex.DecodeString(escape[1:]); err == nil {
			return string(decoded)
		}
		return escape[1:]
	})
	if !utf8.ValidString(value) {
		return "", errors.New("it is not UTF-8")
	}
	return value, nil
}

// decodeText reads a text value of ASN.1. Only two types define the meaning of bytes beyond ASCII;
// in a T61String they may mean anything, so they are refused there.
func decodeText(der []byte) (string, error) {
	var text string
	if tail, err := asn1.Unmarshal(der, &text); err != nil || len(tail) > 0 || text == "" {
		return "", errors.New("it is not one ASN.1 string with something in it")
	}
	isASCII := !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
	if tag := der[0]; !isASCII && tag != asn1.TagUTF8String && tag != asn1.TagBMPString {
		return "", errors.New("its ASN.1 type does not say what its characters are")
	}
	return text, nil
}
