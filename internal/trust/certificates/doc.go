// Package certificates reads the certificates that clients present in TLS, in the form in which a
// proxy forwards them (RFC 9440), and compares them with the registered subject (RFC 8705 §2.1.2).
//
// It refuses every form but one, and it decides nothing about trust: the callers decide which peers
// may forward and which authorities they trust. Start at [Handshake], [Forwarded], [CheckSubject]
// and [IsFor].
package certificates
