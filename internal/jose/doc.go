// Package jose reads signed JWTs and key sets from other parties, as strictly as RFC 8725 demands:
// it accepts one spelling of each token, no repeated member, and nesting and numbers within bounds.
// It checks the signature over the very bytes that were received, with an algorithm that the key
// allows.
//
// It knows nothing of issuers, clients and claims: the rooms that use it decide who may have signed
// what. It refuses to take a key from the token itself (jku, x5u, x5c, jwk). Start at [Parse],
// [ParseKeySet] and [Compact.SignedBy].
package jose
