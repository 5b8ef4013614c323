// Package assertions reads, checks and makes JWTs that somebody else vouches
// with (RFC 7521, RFC 7523): today those that buy an access token.
//
// It refuses to choose a key by anything that the assertion brings along (jku,
// x5u, x5c, jwk), or an algorithm that its issuer was not registered with
// (RFC 8725 §3.1). Who the subject is here is for [Subjects] to find; what it may have
// is the grants' part. Start at [Verifier.Verify].
package assertions
