package config

import "errors"

// TLSHere reports whether TLS ends at this server.
func (s Settings) TLSHere() bool { return s.TLSCertificateFile != "" }

// AsksForCertificates reports whether clients are asked for a certificate where TLS
// ends here.
func (s Settings) AsksForCertificates() bool {
	return s.TLSHere() && (s.TLSClientAuth || s.TLSClientCAFile != "")
}

// TakesCertificates reports whether the certificate of a client can reach this
// server at all.
func (s Settings) TakesCertificates() bool {
	return s.AsksForCertificates() || len(s.ClientCertProxy) > 0
}

// checkTLS looks at what belongs together. The files are read by who serves.
func (s Settings) checkTLS(mode Mode) error {
	if mode == Command { // a command serves nobody
		return nil
	}
	switch {
	case s.TLSCertificateFile != "" && s.TLSKeyFile == "":
		return errors.New("tls-certificate-file is set without tls-key-file: TLS needs both, or neither")
	case s.TLSCertificateFile == "" && s.TLSKeyFile != "":
		return errors.New("tls-key-file is set without tls-certificate-file: TLS needs both, or neither")
	case mode == Dev && s.TLSHere():
		return errors.New("tls-certificate-file is set and dev answers in plain http: remove it, or use serve")
	case s.TLSClientAuth && !s.TLSHere():
		return errors.New("tls-client-auth is set without tls-certificate-file: certificates are asked for where TLS ends; behind a proxy set client-cert-proxy alone")
	case s.TLSClientCAFile != "" && !s.TakesCertificates():
		return errors.New("tls-client-ca-file is set and no certificate reaches this server: set tls-certificate-file and tls-key-file, or client-cert-proxy")
	}
	return nil
}
