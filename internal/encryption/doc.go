// Package encryption encrypts tokens to those who are to read them (RFC 7516).
//
// It is apart from jose so that what only verifies, such as the package verifier, links
// no encryption. Which keys are taken is said there. Start at [ParseRecipient].
package encryption
