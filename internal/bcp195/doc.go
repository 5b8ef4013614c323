// Package bcp195 owns the TLS settings of BCP 195 (RFC 9325), for listeners and for
// clients alike: TLS 1.3, or TLS 1.2 with ephemeral keys and authenticated encryption.
//
// It refuses to know certificates, which its users add.
package bcp195
