// Package keyfiles tells what a file is that was given where another kind of key file is
// wanted, and what to do about it: a PEM where a JWK Set belongs, a private key where a
// public one does, a web page, PKCS #12. It reads PEM blocks and certificates, but no
// private key for use, and quotes nothing of a file but public keys. Start at [Instead] and [Text].
package keyfiles
