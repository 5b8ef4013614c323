// Package remotekeys fetches the key sets that others publish, and keeps them. The server uses it
// for trusted issuers and for clients, the package verifier for the issuer of access tokens. The
// same fetcher also sends forms to addresses of clients: see [Fetcher.Post].
//
// It refuses plain http, addresses that are not public unless the host is allowed by name,
// redirects to another host, and answers that are large or slow. An attacker who invents kids
// cannot make it fetch more often than every 30 seconds, and only one fetch of a set runs at a
// time. While a publisher is down, its last good set stays in use. Start at [Sets.Keys].
package remotekeys
