// Package clientauth finds the client that sent a request, and authenticates it (RFC
// 6749 §2.3). Each file has one [Method]. The [Authenticator] checks that the request
// uses exactly one, and that the client is registered for it.
//
// It refuses to say in an answer which of the checks failed: an attacker must
// not learn which clients exist. Start at [Authenticator.Authenticate].
package clientauth
