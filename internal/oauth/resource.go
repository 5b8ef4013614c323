package oauth

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on resources.
const (
	MaxResources      = 10   // in one request
	MaxResourceLength = 1024 // bytes
)

// CheckResource requires a resource's identifier to be printable characters without spaces. If it
// is an absolute URI, it must not have a fragment (RFC 8707 §2).
func CheckResource(id string) error {
	unprintable := func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }
	switch {
	case id == "":
		return errors.New("a resource must not be empty")
	case len(id) > MaxResourceLength:
		return fmt.Errorf("a resource is longer than %d bytes", MaxResourceLength)
	case !utf8.ValidString(id) || strings.ContainsFunc(id, unprintable):
		return errors.New("a resource must be of printable characters without blanks, such as https://api.example.com or orders-api")
	}
	if u, err := url.Parse(id); err == nil && u.IsAbs() && strings.Contains(id, "#") {
		return errors.New("a resource that is a URI must not have a fragment")
	}
	return nil
}
