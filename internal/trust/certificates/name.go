package certificates

import (
	"cmp"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// attribute is one of a distinguished name: its type as a dotted OID, and its value.
type attribute struct{ oid, value string }

// name is a distinguished name in the order of RFC 4514, the most specific element
// first. The attributes of one element are a set, and sorted.
type name [][]attribute

// hasName reports whether the subject of a certificate is the one registered: the
// same elements in the same order, and each value the same to the byte. The rules by
// which LDAP compares are looser, and differ with each attribute; an authority writes
// a name in one way.
func hasName(certificate *x509.Certificate, registered string) bool {
	want, err := parseName(registered)
	if err != nil {
		return false
	}
	var sequence pkix.RDNSequence
	if rest, err := asn1.Unmarshal(certificate.RawSubject, &sequence); err != nil || len(rest) > 0 {
		return false
	}
	var held name
	for _, set := range slices.Backward(sequence) { // RFC 4514 §2.1
		var element []attribute
		for _, a := range set {
			text, ok := a.Value.(string)
			if !ok { // what is no text cannot have been registered
				return false
			}
			element = append(element, attribute{a.Type.String(), text})
		}
		held = append(held, sorted(element))
	}
	return slices.EqualFunc(want, held, slices.Equal)
}

func sorted(element []attribute) []attribute {
	slices.SortFunc(element, func(a, b attribute) int { return cmp.Or(cmp.Compare(a.oid, b.oid), cmp.Compare(a.value, b.value)) })
	return element
}

// parseName reads a distinguished name as text (RFC 4514 §3). Spaces around the
// separators, which many programs print, are not part of it.
func parseName(text string) (name, error) {
	if strings.HasPrefix(text, "/") {
		return nil, errors.New("it begins with a slash, as OpenSSL once wrote names: write CN=batch,O=Example, as `openssl x509 -noout -subject -nameopt RFC2253` prints it")
	}
	var parsed name
	var element []attribute
	for {
		a, rest, err := parseAttribute(text)
		if err != nil {
			return nil, err
		}
		if element = append(element, a); rest == "" {
			return append(parsed, sorted(element)), nil
		}
		if rest[0] == ',' {
			parsed, element = append(parsed, sorted(element)), nil
		}
		text = rest[1:]
	}
}

func parseAttribute(text string) (attribute, string, error) {
	kind, rest, found := strings.Cut(text, "=")
	if !found {
		return attribute{}, "", errors.New("it is not a distinguished name, such as CN=batch,O=Example (RFC 4514)")
	}
	oid, err := attributeType(strings.Trim(kind, " "))
	if err != nil {
		return attribute{}, "", err
	}
	value, rest, err := parseValue(strings.TrimLeft(rest, " "))
	if err == nil && (value == "" || !utf8.ValidString(value)) {
		err = errors.New("it is empty, or not UTF-8")
	}
	if err != nil {
		return attribute{}, "", fmt.Errorf("the value of %s: %w", strings.Trim(kind, " "), err)
	}
	return attribute{oid, value}, rest, nil
}

// attributeType returns the OID of a type: those of RFC 4514 §3 have a name, and two
// more that authorities use.
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

// parseValue reads a value up to the separator that ends it (RFC 4514 §2.4).
func parseValue(text string) (value, rest string, err error) {
	if strings.HasPrefix(text, "#") {
		return parseHexValue(text)
	}
	var b strings.Builder
	end := 0 // of what is not a space that nobody escaped
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case ',', '+':
			return b.String()[:end], text[i:], nil
		case '"', ';', '<', '>', 0:
			return "", "", fmt.Errorf("%q has to be escaped by a backslash", c)
		case ' ':
			b.WriteByte(c)
		case '\\':
			escaped, width, err := parseEscape(text[i+1:])
			if err != nil {
				return "", "", err
			}
			b.WriteByte(escaped)
			i += width
			end = b.Len()
		default:
			b.WriteByte(c)
			end = b.Len()
		}
	}
	return b.String()[:end], "", nil
}

// parseEscape reads what follows a backslash: the character that it stands before,
// or two hexadecimal digits.
func parseEscape(text string) (escaped byte, width int, err error) {
	if text != "" && strings.IndexByte(`"+,;<>= #\`, text[0]) >= 0 {
		return text[0], 1, nil
	}
	const digits = 2
	if len(text) >= digits {
		if decoded, err := hex.DecodeString(text[:digits]); err == nil {
			return decoded[0], digits, nil
		}
	}
	return 0, 0, errors.New("a backslash stands before neither a special character nor two hexadecimal digits")
}

// parseHexValue reads a value that is written as its BER.
func parseHexValue(text string) (value, rest string, err error) {
	end := strings.IndexAny(text, ",+")
	if end < 0 {
		end = len(text)
	}
	der, err := hex.DecodeString(strings.TrimRight(text[1:end], " "))
	if err != nil {
		return "", "", errors.New("after # there are no hexadecimal digits")
	}
	var decoded any
	if tail, err := asn1.Unmarshal(der, &decoded); err != nil || len(tail) > 0 {
		return "", "", errors.New("after # there is no ASN.1 value")
	}
	value, ok := decoded.(string)
	if !ok {
		return "", "", errors.New("after # there is no text")
	}
	return value, text[end:], nil
}
