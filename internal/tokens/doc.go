// Package tokens makes, checks and revokes the tokens of this server: access tokens in
// the JWT profile of RFC 9068, and refresh tokens, which are a function of their family
// and generation.
//
// It refuses to know who may have a token: that is the grants' part. Start at
// [Minter.Mint], [Verifier.Verify] and [Revoker].
package tokens
