// Package remotekeys fetches the key sets of others and keeps them: those of trusted
// issuers and of clients that publish theirs under a URL, and in the package verifier that
// of the issuer of access tokens.
//
// It refuses to be sent where it should not go: plain http, addresses that are not
// public unless the host is allowed by name, redirects to elsewhere, answers that are
// large or slow. And it refuses to be driven: whatever kid a stranger makes up, a set
// is fetched once in a while and by one request at a time, and the last good one is
// kept while its publisher is down. Start at [Sets.Keys].
package remotekeys
