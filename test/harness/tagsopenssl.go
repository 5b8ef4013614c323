//go:build openssl

package harness

// tags are the build tags of the binary: those of the tests that run it.
const tags = "openssl"
