package verifier

import (
	"crypto/tls"
	"net/http"

	"authserver/internal/bcp195"
)

// TLSConfig returns the TLS settings for the listener of an API that accepts tokens bound to
// certificates. The listener asks clients for a certificate and accepts any: the token names the
// exact certificate, so neither its chain nor its dates matter (RFC 8705 §3). It supports TLS 1.3,
// and TLS 1.2 with ephemeral keys and authenticated encryption (BCP 195). The caller adds the
// certificate of the API. The settings suit clients as well; the caller adds the authorities that
// they trust.
func TLSConfig() *tls.Config {
	c := bcp195.Config()
	c.ClientAuth = tls.RequestClientCert
	return c
}

// newHTTPClient returns the client that fetches keys if the options name none. It keeps no
// connections, because minutes pass between two fetches.
func newHTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: bcp195.Config(), ForceAttemptHTTP2: true, DisableKeepAlives: true,
	}}
}
