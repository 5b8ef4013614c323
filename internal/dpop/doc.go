// Package dpop checks the proofs by which whoever uses a token shows that it holds the
// key to which the token is bound (RFC 9449 §4.3).
//
// It is the one place where a key is taken from the message that the key signed: the
// proof shows the possession of that key and nothing else. Whose key it is, whether the
// proof was seen before and whether its nonce is good are for the caller to say, by
// [Proof]. Start at [Check].
package dpop
