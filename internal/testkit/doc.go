// Package testkit has what the tests of several rooms need: clocks, keys, JWKs, signatures over any
// text, certificates. It knows none of our rooms, so that it can play another party, and only tests
// import it. Start anywhere.
package testkit
