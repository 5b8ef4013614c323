// Package pkcs11 signs with keys that stay in a PKCS#11 token: a hardware security module, a smart
// card, or a service with that interface. The private key is made in the token and never leaves it,
// so no dump of our memory, our disk or our database can contain it.
//
// The library of the token is C code in our process. So it is linked only with cgo and the build
// tag pkcs11. Without them [Open] says how to build, and everything else here is plain Go.
//
// It refuses a PIN in a URI, a key that is too weak for the algorithms below, and a public key for
// which the token does not prove that it has the private half. So a program that may write a public
// object into the token cannot get us to publish its own key.
//
// Start at [Open]; a [URI] names a key.
package pkcs11
