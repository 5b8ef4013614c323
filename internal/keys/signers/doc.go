// Package signers owns which code runs our private keys when they sign: Go's own
// crypto, BoringCrypto where the toolchain was told to (GOEXPERIMENT=boringcrypto),
// or OpenSSL's libcrypto where the build has the tag openssl and cgo. To everyone
// else a key is a crypto.Signer, whichever it is.
//
// It refuses to hold any cryptography of its own: it hands keys and digests over.
// docs/signers.md weighs the three; without the faster ones speed alone is lost.
//
// Start at [For].
package signers
