// Package events makes the entries of the audit: the actor, the change, the time, the request, and
// the value before. It decides what an entry shows of a client, a user, a resource, an issuer or a
// key, and refuses to show a secret, a hash or a sealed value. Engines write the entries in the
// transaction that makes the change.
//
// Start with [Client], and with the diff in diff.go. [Follower] reads new entries.
package events
