// Package keyfiles finds out what a file is if it is not the key file that the operator was asked
// for, and what to do about it: a PEM instead of a JWK Set, a private key instead of a public one,
// a web page, PKCS #12. It reads PEM blocks and certificates, but no private key for use, and
// quotes nothing of a file but public keys. Start at [Instead] and [Text].
package keyfiles
