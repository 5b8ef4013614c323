// Package isolation measures what the requests of one disturb those of others: how
// long client_credentials, a login and the key set take beside a flood of logins or of
// another client's requests, and what is still answered well at several times the peak.
//
// Run it with make bench-isolation. The load is this process and the server another;
// give each a core of its own for numbers that mean something.
package isolation
