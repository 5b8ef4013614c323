//go:build !pkcs11 || !cgo

package pkcs11

import (
	"strings"
	"testing"
)

func TestABuildWithoutPKCS11SaysHowToBuildIt(t *testing.T) {
	m, err := Open(Options{Module: "/lib/token.so", Token: "keys", PIN: "1234"})
	if m != nil || err == nil || !strings.Contains(err.Error(), "-tags pkcs11") {
		t.Errorf("Open = %v, %v; want an error that says -tags pkcs11", m, err)
	}
}
