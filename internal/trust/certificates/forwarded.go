package certificates

import (
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/dunglas/httpsfv"
)

// Bounds on the headers of a proxy.
const (
	maxHeader = 16 << 10 // bytes of both headers
	maxChain  = 10       // certificates in addition to the client's own
)

// Forwarded reads the values of the headers Client-Cert and Client-Cert-Chain (RFC 9440 §2). It
// returns nil if both are absent: the client presented no certificate. An error says what is wrong
// with the headers and repeats nothing of them.
func Forwarded(leaf, chain []string) (*Presented, error) {
	size := 0
	for _, value := range append(append([]string(nil), leaf...), chain...) {
		size += len(value)
	}
	switch {
	case size > maxHeader:
		return nil, fmt.Errorf("Client-Cert and Client-Cert-Chain are larger than %d KiB", maxHeader>>10)
	case len(leaf) > 1:
		return nil, errors.New("Client-Cert appears more than once")
	case len(leaf) == 0 && len(chain) > 0:
		return nil, errors.New("Client-Cert-Chain came without Client-Cert") // RFC 9440 §2.3: MUST NOT
	case len(leaf) == 0:
		return nil, nil //nolint:nilnil // a request without a certificate is ordinary
	}
	const format = "it is no byte sequence: base64 of DER, with its padding, between two colons"
	item, err := httpsfv.UnmarshalItem(leaf)
	if err != nil {
		return nil, errors.New("Client-Cert: " + format)
	}
	own, err := certificateOf(item)
	if err != nil {
		return nil, fmt.Errorf("Client-Cert: %w", err)
	}
	list, err := httpsfv.UnmarshalList(chain)
	if err != nil {
		return nil, errors.New("Client-Cert-Chain: commas do not separate its members, or of one " + format)
	}
	if len(list) > maxChain {
		return nil, fmt.Errorf("Client-Cert-Chain: there are more than %d certificates", maxChain)
	}
	presented := &Presented{Leaf: own}
	for _, member := range list {
		other, err := certificateOf(member)
		if err != nil {
			return nil, fmt.Errorf("Client-Cert-Chain: %w", err)
		}
		presented.Intermediates = append(presented.Intermediates, other)
	}
	return presented, nil
}

// certificateOf reads a certificate that is a Byte Sequence (RFC 8941 §3.3.5). Parameters
// have no meaning here and are refused.
func certificateOf(member httpsfv.Member) (*x509.Certificate, error) {
	item, single := member.(httpsfv.Item)
	der, bytes := item.Value.([]byte)
	if !single || !bytes || len(item.Params.Names()) > 0 {
		return nil, errors.New("it is no byte sequence without parameters: base64 of DER between two colons")
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, errors.New("it is no certificate in DER")
	}
	return certificate, nil
}
