// Package events makes the entries of the audit: who changed what, when and on whose
// request, and what it was before. It owns what an entry shows of a client, a user, a
// resource, an issuer or a key, and leaves out every secret, every hash and everything
// sealed. Engines write the entries in the transaction that makes the change.
//
// Start with [Client], and with the diff in diff.go. [Follow] is how a reader waits for
// entries to come.
package events
