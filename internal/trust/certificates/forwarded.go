package certificates

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Bounds on what a proxy forwards.
const (
	maxHeader = 16 << 10 // bytes of both headers
	maxChain  = 10       // certificates beside the client's own
)

// Forwarded reads the values of the headers Client-Cert and Client-Cert-Chain
// (RFC 9440 §2). It returns nil where neither is there: the client presented no
// certificate. An error says what is wrong with them and repeats nothing of it.
func Forwarded(leaf, chain []string) (*Presented, error) {
	size := 0
	for _, value := range append(append([]string(nil), leaf...), chain...) {
		size += len(value)
	}
	switch {
	case size > maxHeader:
		return nil, fmt.Errorf("Client-Cert and Client-Cert-Chain are larger than %d KiB", maxHeader>>10)
	case len(leaf) > 1:
		return nil, errors.New("Client-Cert stands more than once")
	case len(leaf) == 0 && len(chain) > 0:
		return nil, errors.New("Client-Cert-Chain stands without Client-Cert") // RFC 9440 §2.3: MUST NOT
	case len(leaf) == 0:
		return nil, nil //nolint:nilnil // a request without a certificate is ordinary
	}
	own, rest, err := parseItem(strings.Trim(leaf[0], " "))
	if err == nil && rest != "" {
		err = errors.New("something follows the byte sequence")
	}
	if err != nil {
		return nil, fmt.Errorf("Client-Cert: %w", err)
	}
	others, err := parseList(strings.Join(chain, ",")) // RFC 8941 §4.2: lines are joined before they are parsed
	if err != nil {
		return nil, fmt.Errorf("Client-Cert-Chain: %w", err)
	}
	return &Presented{Leaf: own, Intermediates: others}, nil
}

// parseList reads a List of certificates (RFC 8941 §4.2.1), which may be empty.
func parseList(text string) ([]*x509.Certificate, error) {
	const whitespace = " \t"
	var found []*x509.Certificate
	text = strings.Trim(text, " ")
	for text != "" {
		if len(found) == maxChain {
			return nil, fmt.Errorf("there are more than %d certificates", maxChain)
		}
		certificate, rest, err := parseItem(text)
		if err != nil {
			return nil, err
		}
		found = append(found, certificate)
		rest = strings.TrimLeft(rest, whitespace)
		if rest == "" {
			break
		}
		if rest[0] != ',' {
			return nil, errors.New("byte sequences are not separated by a comma")
		}
		if text = strings.TrimLeft(rest[1:], whitespace); text == "" {
			return nil, errors.New("nothing follows the last comma")
		}
	}
	return found, nil
}

// parseItem reads one certificate as a Byte Sequence (RFC 8941 §4.2.7), and returns
// what follows it. Parameters have no meaning here and are refused, and so is base64
// without its padding: RFC 9440 §2.1 has one spelling.
func parseItem(text string) (*x509.Certificate, string, error) {
	inner, opened := strings.CutPrefix(text, ":")
	encoded, rest, closed := strings.Cut(inner, ":")
	if !opened || !closed {
		return nil, "", errors.New("it is no byte sequence: base64 of DER between two colons")
	}
	if strings.ContainsAny(encoded, "\r\n") { // which encoding/base64 passes over
		return nil, "", errors.New("there is a line break in it")
	}
	der, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, "", errors.New("between the colons is no base64 with its padding")
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, "", errors.New("it is no certificate in DER")
	}
	return certificate, rest, nil
}
