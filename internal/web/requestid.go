package web

import (
	"encoding/hex"
	"fmt"
	"io"
)

// maxRequestIDLength bounds a request id that came from outside.
const maxRequestIDLength = 64

// newRequestID returns the X-Request-Id that came with a request where it is fit
// for a log: 1 to 64 characters of [A-Za-z0-9._-]. Else it makes one of 128
// random bits in hex. Its only error is that of random.
func newRequestID(inbound string, random io.Reader) (string, error) {
	if fitRequestID(inbound) {
		return inbound, nil
	}
	var id [16]byte
	if _, err := io.ReadFull(random, id[:]); err != nil {
		return "", fmt.Errorf("make a request id: %w", err)
	}
	return hex.EncodeToString(id[:]), nil
}

func fitRequestID(id string) bool {
	if id == "" || len(id) > maxRequestIDLength {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
