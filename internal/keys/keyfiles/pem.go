package keyfiles

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
)

// maxFile bounds a file of blocks, in bytes. An RSA key of 4096 bits with ten certificates takes a
// third of it.
const maxFile = 64 << 10

// Blocks reads a file of PEM blocks (RFC 7468), with any text that programs write around them.
// [pem.Decode] skips a damaged block; here it is an error, because it may be the wanted one.
func Blocks(data []byte) ([]*pem.Block, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("it is larger than %d KiB, which no file of keys or certificates is", maxFile>>10)
	}
	var blocks []*pem.Block
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		blocks = append(blocks, block)
	}
	if begun := bytes.Count(data, []byte("-----BEGIN ")); len(blocks) < begun {
		return nil, errors.New("a PEM block in it is damaged or cut short: copy the file again, from -----BEGIN to -----END and with its line breaks")
	}
	return blocks, nil
}

// Certificates reads a chain of certificates in PEM, in the order of the file, or one in DER.
func Certificates(data []byte) ([]*x509.Certificate, error) {
	if err := Check(data, Certificate); err != nil {
		return nil, err
	}
	data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	if !bytes.Contains(data, []byte("-----BEGIN ")) {
		certificate, err := x509.ParseCertificate(data)
		if err != nil {
			return nil, Instead(data, Certificate)
		}
		return []*x509.Certificate{certificate}, nil
	}
	blocks, err := Blocks(data)
	if err != nil {
		return nil, err
	}
	var chain []*x509.Certificate
	for _, block := range blocks {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("it holds %s, and certificates alone are wanted", Block(block.Type))
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("a certificate in it is damaged: %w", err)
		}
		chain = append(chain, certificate)
	}
	return chain, nil
}

// Block names a PEM block by its type.
func Block(kind string) string {
	// A block that lost its line breaks has the key in its first line.
	if regexp.MustCompile(`^[A-Z0-9][A-Z0-9 ]{0,30}$`).MatchString(kind) {
		return fmt.Sprintf("a PEM block of the type %q", kind)
	}
	return "a PEM block of an unknown type"
}
