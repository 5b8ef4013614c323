package web

import (
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
)

// requestID matches a request id from outside that is safe for a log.
var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// newRequestID returns the X-Request-Id of a request if it is safe for a log. Otherwise it makes
// one of 128 random bits in hex. Its only error is that of random.
func newRequestID(inbound string, random io.Reader) (string, error) {
	if requestID.MatchString(inbound) {
		return inbound, nil
	}
	var id [16]byte
	if _, err := io.ReadFull(random, id[:]); err != nil {
		return "", fmt.Errorf("make a request id: %w", err)
	}
	return hex.EncodeToString(id[:]), nil
}
