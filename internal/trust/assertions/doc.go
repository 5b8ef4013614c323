// Package assertions reads, checks and makes the JWTs of other parties (RFC 7521, RFC 7523), such
// as those that clients exchange for an access token.
//
// It refuses to choose a key by anything that comes with the assertion (jku, x5u, x5c, jwk), or an
// algorithm for which the issuer is not registered (RFC 8725 §3.1). [Subjects] finds the subject
// here; the grants decide what the subject may have. Start at [Verifier.Verify].
package assertions
