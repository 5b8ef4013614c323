// Package keys owns the server's own keys: the pairs that sign access tokens, and
// the symmetric keys that authenticate refresh tokens. The room sealing below it keeps
// both unreadable in the database.
//
// A signing key is pending, then active, then retired, then removed. Which of
// them it is follows from four moments in its row and the clock, so replicas
// agree without talking to each other and a replica that lost its database goes
// on signing through what was planned. A successor is made as soon as its
// predecessor begins to sign, so that the next key is long known to every
// replica and every verifier when its turn comes.
//
// It refuses to know what a token says: to everyone else a key is a
// [crypto.Signer], a kid and a state. It refuses to sign with or to publish a
// key that was not read back from the database and opened with the master key,
// so that who can write to the database alone cannot make us vouch for a key.
//
// Start at [Timeline], which holds the rules, and [Manager], which follows them.
package keys
