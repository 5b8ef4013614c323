package bcp195

import "crypto/tls"

// Config returns what a listener or a client adds its certificates to.
func Config() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	Restrict(c)
	return c
}

// Restrict takes away from the configuration of another package what [Config] does not
// have.
func Restrict(c *tls.Config) {
	if c.MinVersion < tls.VersionTLS12 {
		c.MinVersion = tls.VersionTLS12
	}
	// These are the suites of RFC 9325 §4.2. By default Go also offers and accepts CBC with SHA-1
	// (RFC 9325 §4.1, §7.2: SHOULD NOT). The suites of TLS 1.3 cannot be configured.
	c.CipherSuites = []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}
