// Package assertions reads, checks and makes the JWTs of other parties (RFC 7521, RFC
// 7523): those that are exchanged for an access token.
//
// It refuses to choose a key by anything that the assertion brings along (jku, x5u,
// x5c, jwk), or an algorithm that its issuer was not registered with (RFC 8725 §3.1).
// [Subjects] finds the subject here; the grants decide what it may have. Start at
// [Verifier.Verify].
package assertions
