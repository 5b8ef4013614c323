//go:build !pkcs11 || !cgo

package pkcs11

import (
	"crypto"
	"errors"
)

// Module is an open token. This build has none.
type Module struct{}

// Open refuses, because this build does not contain PKCS#11.
func Open(Options) (*Module, error) { return nil, absent() }

// Generate refuses, as Open does.
func (*Module) Generate(string) (crypto.Signer, string, error) { return nil, "", absent() }

// Signer refuses, as Open does.
func (*Module) Signer(string) (crypto.Signer, error) { return nil, absent() }

// Close does nothing.
func (*Module) Close() error { return nil }

func absent() error {
	return errors.New("this program was built without PKCS#11: build it with CGO_ENABLED=1 go build -tags pkcs11")
}
