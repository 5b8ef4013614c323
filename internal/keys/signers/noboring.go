//go:build !boringcrypto && !(openssl && cgo)

package signers

const boring = false
