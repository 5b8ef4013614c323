package handlers

import (
	"net/http"

	"authserver/internal/clientauth"
	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/trust/certificates"
	"authserver/internal/trust/dpop"
)

// certificate is what the client of a request presented in TLS; nil: nothing. A proxy that ends TLS
// sends it in headers (RFC 9440), and its own certificate is not the client's. The headers of any
// other peer are ignored, since any client can send them (RFC 9440 §4).
func (c *Clients) certificate(r *http.Request) (*certificates.Presented, error) {
	if c.CertificateProxies.Contain(r.RemoteAddr) {
		presented, err := certificates.Forwarded(r.Header.Values("Client-Cert"), r.Header.Values("Client-Cert-Chain"))
		if err != nil {
			return nil, oauth.Fail(oauth.InvalidRequest, "client_cert_header", "the client's certificate was forwarded wrongly: "+err.Error())
		}
		return presented, nil
	}
	if r.TLS == nil {
		return nil, nil //nolint:nilnil // most clients have none
	}
	return certificates.Handshake(r.TLS.PeerCertificates), nil
}

// possessionOf returns the keys that a request proved: that of its DPoP proof, and that of the
// certificate that its client presented.
func possessionOf(who clientauth.Result, proof dpop.Proof) grants.Possession {
	p := grants.Possession{JKT: proof.JKT, Alg: proof.Alg, ByCertificate: who.Method == oauth.AuthTLS || who.Method == oauth.AuthSelfSignedTLS}
	if who.Certificate != nil {
		p.X5TS256 = who.Certificate.Thumbprint()
	}
	return p
}
