package oauth

import (
	"fmt"
	"net/url"
)

// Bounds on resource indicators.
const (
	MaxResources      = 10   // in one request
	MaxResourceLength = 1024 // bytes
)

// CheckResource holds an identifier to RFC 8707 §2: an absolute URI without a
// fragment.
func CheckResource(id string) error {
	if len(id) > MaxResourceLength {
		return fmt.Errorf("a resource is longer than %d bytes", MaxResourceLength)
	}
	u, err := url.Parse(id)
	if err != nil || !u.IsAbs() {
		return fmt.Errorf("a resource must be an absolute URI, such as https://api.example.com")
	}
	if u.Fragment != "" || len(id) > 0 && id[len(id)-1] == '#' {
		return fmt.Errorf("a resource must not have a fragment")
	}
	return nil
}
