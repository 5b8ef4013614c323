// Package pkcs11 signs with keys that stay in a PKCS#11 token: a hardware security
// module, a smart card, or a service that speaks for one. The private key is made
// in the token and never leaves it, so no dump of our memory, our disk or our
// database can hold it.
//
// The library of the token is C code in our process. So it is linked in by the
// build tag pkcs11 alone, with cgo; without them [Open] says how to build, and
// everything else here is plain Go.
//
// It refuses a PIN in a URI, a key that is too weak for the algorithms below, and
// a public key whose private half the token does not prove to have: a program that may
// write a public object into the token cannot make us vouch for its own key.
//
// Start at [Open]; which key is meant is a [URI].
package pkcs11
