//go:build pkcs11 && !openssl

package harness

// tags are the build tags of the binary: those of the tests that run it.
const tags = "pkcs11"
