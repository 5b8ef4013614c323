// Package certificates reads the certificates that clients present in TLS: as a
// proxy forwards them (RFC 9440), and whom they are for (RFC 8705 §2.1.2).
//
// It refuses every spelling but one, and it trusts nothing: which peers may forward,
// and which authorities vouch, is for those to say who ask. Start at [Handshake],
// [Forwarded], [CheckSubject] and [IsFor].
package certificates
