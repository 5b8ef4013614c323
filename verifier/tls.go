package verifier

import (
	"crypto/tls"
	"net/http"

	"authserver/internal/bcp195"
)

// TLSConfig is for the listener of an API whose tokens may be bound to certificates. It asks
// for a certificate and takes any: a token is bound to the very certificate, so that neither
// its chain nor its dates matter (RFC 8705 §3). TLS is spoken as BCP 195 has it: version 1.3,
// or 1.2 with ephemeral keys and authenticated encryption. The caller adds the certificate
// of the API. It does for clients as well, with the authorities that they trust.
func TLSConfig() *tls.Config {
	c := bcp195.Config()
	c.ClientAuth = tls.RequestClientCert
	return c
}

// newHTTPClient is what keys are fetched with where the options name nothing. Minutes go by
// between two fetches, so no connection is kept.
func newHTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: bcp195.Config(), ForceAttemptHTTP2: true, DisableKeepAlives: true,
	}}
}
