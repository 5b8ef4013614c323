// Package jose reads signed JWTs and key sets that others made, as strictly as
// RFC 8725 asks: one spelling of each token, no member that stands twice, nesting
// and numbers within bounds, and a signature that is checked over the very bytes
// that were received, with an algorithm that the key allows.
//
// It knows nothing of issuers, clients and claims: who may have signed what is for
// the rooms that use it to say. It refuses to take a key from the token itself
// (jku, x5u, x5c, jwk). Start at [Parse], [ParseKeySet] and [Compact.SignedBy].
package jose
