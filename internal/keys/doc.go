// Package keys owns the server's own keys: the pairs that sign access tokens, and the symmetric
// keys that authenticate refresh tokens. The room sealing below it keeps both unreadable in the
// database.
//
// A signing key is pending, then active, then retired, then removed. Its state follows from four
// moments in its row and the clock. So replicas agree without talking to each other, and a replica
// that lost its database continues to sign as planned. A successor is made as soon as its
// predecessor begins to sign, so that every replica and every verifier knows the next key long
// before it signs.
//
// It refuses to know what a token says: for the other rooms a key is a [crypto.Signer], a kid and a
// state. It refuses to sign with or to publish a key that it did not read from the database and
// open with the master key, so that an attacker who can only write to the database cannot get us to
// publish another key.
//
// Start at [Timeline], which has the rules, and [Manager], which follows them.
package keys
