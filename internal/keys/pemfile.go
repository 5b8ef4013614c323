package keys

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// numberedBlock is a PEM block and the line on which it begins.
type numberedBlock struct {
	*pem.Block
	line int
}

// pemBlocks reads a file of PEM blocks (RFC 7468). [pem.Decode] passes over a block
// that is damaged; here it is an error, for it may be the one that matters.
func pemBlocks(data []byte) ([]numberedBlock, error) {
	var blocks []numberedBlock
	lines := bytes.SplitAfter(data, []byte("\n"))
	for i := 0; i < len(lines); i++ {
		text := strings.TrimRight(string(lines[i]), " \t\r\n")
		if !strings.HasPrefix(text, "-----BEGIN ") {
			if !explanatory(text) {
				return nil, fmt.Errorf("something stands outside of the PEM blocks, on line %d: leave nothing in the file but the blocks, from -----BEGIN to -----END", i+1)
			}
			continue
		}
		end := i + 1
		for end < len(lines) && !bytes.HasPrefix(lines[end], []byte("-----")) {
			end++
		}
		if end == len(lines) {
			return nil, fmt.Errorf("the PEM block on line %d has no line -----END: it is cut short, or its line breaks were lost", i+1)
		}
		block, rest := pem.Decode(bytes.Join(lines[i:end+1], nil))
		if block == nil || len(bytes.TrimSpace(rest)) > 0 {
			return nil, fmt.Errorf("the PEM block on line %d is damaged: copy the file again", i+1)
		}
		blocks = append(blocks, numberedBlock{block, i + 1})
		i = end
	}
	if len(blocks) == 0 {
		return nil, errors.New("there is no PEM block in it")
	}
	return blocks, nil
}

// explanatory reports whether a line is one of those that openssl puts beside
// blocks: `pkcs12` a bag's attributes, `x509 -text` and `ca` what a certificate says
// (RFC 7468 §5.2).
func explanatory(line string) bool {
	if strings.Contains(line, "-----") {
		return false
	}
	if strings.TrimLeft(line, " \t") != line {
		return true
	}
	for _, prefix := range []string{"Bag Attributes", "Key Attributes", "Certificate:", "subject=", "issuer="} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return line == ""
}

// kind says what a block of a type that is not wanted is, and what to do about it.
func (b numberedBlock) kind() string {
	switch b.Type {
	case "PUBLIC KEY", "RSA PUBLIC KEY":
		return "a public key"
	case "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
		return "a private key"
	case "CERTIFICATE":
		return "a certificate"
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		return "a request for a certificate"
	case "OPENSSH PRIVATE KEY":
		return "a private key in OpenSSH's own format (`ssh-keygen -p -m PKCS8 -f COPY` converts a copy of it)"
	case "DSA PRIVATE KEY":
		return "a DSA key, which no algorithm here is for"
	case "PKCS7", "CMS":
		return "PKCS #7 (`openssl pkcs7 -print_certs -in FILE` converts it)"
	}
	// A block whose line breaks were lost has the key in its first line.
	if regexp.MustCompile(`^[A-Z0-9][A-Z0-9 ]{0,30}$`).MatchString(b.Type) {
		return fmt.Sprintf("a PEM block of the type %q", b.Type)
	}
	return "a PEM block of an unknown type"
}
