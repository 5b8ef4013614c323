//go:build !(openssl && cgo)

package signers

import (
	"crypto"
	"runtime"
)

// Name names the code that signs.
func Name() string {
	if boring {
		return "BoringCrypto of " + runtime.Version()
	}
	return "crypto of " + runtime.Version()
}

// For returns the signer for a private key of ours: in this build the key itself.
func For(private crypto.Signer) (crypto.Signer, error) { return private, nil }
