//go:build openssl

package harness

// tags are the build tags of the binary, which are those of the tests that run it.
const tags = "openssl"
