// Package encryption encrypts tokens to the party that reads them (RFC 7516).
//
// It is separate from jose, which decides which keys are accepted, so that a program that only
// verifies tokens, such as one with the package verifier, links no encryption. Start at
// [ParseRecipient].
package encryption
