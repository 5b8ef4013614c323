// Package dpop checks DPoP proofs: the client that uses a token proves that it holds the key
// to which the token is bound (RFC 9449 §4.3).
//
// Only this package takes a key from the message that the key signed, since a proof shows
// the possession of that key and nothing else. The caller decides, by the fields of
// [Proof], whose key it is, whether the proof was used before, and whether its nonce is
// good. Start at [Check].
package dpop
