// Package sealing keeps private keys and secrets unreadable in the database: it encrypts a
// value for one row, so that it opens in no other.
//
// Values are sealed under a data key with AES-256-GCM, and the data keys under the master
// key, which a key service may hold. [Reseal] moves all of it to another master key while
// servers run.
//
// It refuses to open what was sealed for another row, and it never stores or prints the
// master key.
//
// Start at [Open].
package sealing
