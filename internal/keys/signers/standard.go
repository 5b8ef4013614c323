//go:build !(openssl && cgo)

package signers

import (
	"crypto"
	"runtime"
)

// Name says which code signs.
func Name() string {
	if boring {
		return "BoringCrypto of " + runtime.Version()
	}
	return "crypto of " + runtime.Version()
}

// For returns what signs with a private key of ours: in this build the key itself.
func For(private crypto.Signer) (crypto.Signer, error) { return private, nil }
