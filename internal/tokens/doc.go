// Package tokens makes, checks and revokes the tokens of this server: access tokens in the JWT
// profile of RFC 9068, refresh tokens, authorization codes, and everything else that the server
// hands out and recognises without a row.
//
// It refuses to decide which client may have a token: the grants do. Start at
// [Minter.Mint], [Verifier.Verify] and [Revoker].
package tokens
