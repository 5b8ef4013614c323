// Package dpop checks DPoP proofs: the client that uses a token proves that it has the key to which
// the token is bound (RFC 9449 §4.3).
//
// Only this package takes a key from the message that the key signed, because a proof shows the
// possession of that key and nothing else. By the fields of [Proof], the caller decides whether the
// key is the right one, whether the proof was used before, and whether its nonce is valid. Start at
// [Check].
package dpop
