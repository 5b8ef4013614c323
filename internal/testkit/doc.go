// Package testkit is what the tests of several rooms make: a clock of their own, keys,
// JWKs, signatures over whatever is written, certificates. It knows none of our rooms, so
// that it can stand in for a stranger, and only tests import it. Start anywhere.
package testkit
