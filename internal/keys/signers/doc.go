// Package signers owns the choice of the code that signs with our private keys: Go's own crypto,
// BoringCrypto if the toolchain builds with GOEXPERIMENT=boringcrypto, or OpenSSL's libcrypto in a
// build with the tag openssl and cgo. For the other rooms a key is a crypto.Signer in all cases.
//
// It refuses to contain any cryptography of its own: it passes keys and digests on. docs/signers.md
// compares the three; they differ only in speed.
//
// Start at [For].
package signers
