// Package clientauth finds out which client sent a request and whether it can
// prove it (RFC 6749 §2.3): one file per method, each a [Method], and the
// [Authenticator] that sees to it that exactly one was used and that the client
// is registered for it.
//
// It refuses to say in an answer which of the checks failed: an attacker must
// not learn which clients exist. Start at [Authenticator.Authenticate].
package clientauth
