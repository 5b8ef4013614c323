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

// AtOnce is how many signatures are computed at the same time on so many processors. Where
// there are several one is left for the network, which Go looks at when a processor has
// nothing else to do, and otherwise every 10 ms: a request for the key set would wait for
// signatures of a millisecond.
func AtOnce(processors int) int { return max(1, processors-1) }

// For returns what signs with a private key of ours: in this build the key itself.
func For(private crypto.Signer) (crypto.Signer, error) { return private, nil }
