package keys

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
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
