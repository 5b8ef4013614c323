package admin

import (
	"slices"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/trust/certificates"
)

// TLSSubject is the subject that the certificates of a client have to have (RFC 8705 §2.1.2).
type TLSSubject struct {
	Kind  store.TLSSubjectKind `json:"kind"` // "dn", "dns", "uri", "ip" or "email"
	Value string               `json:"value"`
}

// setTLSSubject sets a subject; an empty value clears it.
func setTLSSubject(f *form, to *store.TLSSubject, s *TLSSubject) {
	const field Field = "tls_subject"
	switch {
	case s == nil:
		return
	case s.Value == "":
		*to = store.TLSSubject{}
		return
	case len(s.Value) > maxSubject:
		f.fault(field, CodeTooLong, "it is longer than %d bytes", maxSubject)
		return
	}
	subject := store.TLSSubject{Kind: s.Kind, Value: s.Value}
	if err := certificates.CheckSubject(subject); err != nil {
		f.fault(field, CodeInvalid, "%v", err)
		return
	}
	*to = subject
}

const maxSubject = 1024 // bytes

// checkTLS refuses a certificate method without a subject or a registered certificate, because the
// client could never authenticate.
func checkTLS(f *form, c store.Client) {
	if slices.Contains(c.AuthMethods, oauth.AuthTLS) && c.TLSSubject == (store.TLSSubject{}) {
		f.fault("auth_methods", CodeRequired, "tls_client_auth needs the subject of the certificate: give %v", Field("tls_subject"))
	}
	if slices.Contains(c.AuthMethods, oauth.AuthSelfSignedTLS) && len(c.Certificates) == 0 && len(c.JWKS) == 0 && c.JWKSURI == "" {
		f.fault("auth_methods", CodeRequired, "self_signed_tls_client_auth needs a certificate to compare with: give %v, the last two with x5c", []Field{"certificates", "jwks", "jwks_uri"})
	}
}

// tlsWarnings warn of settings with which the registration does not work.
func (cs *Clients) tlsWarnings(c store.Client) []Fault {
	var warnings []Fault
	byTLS := slices.Contains(c.AuthMethods, oauth.AuthTLS)
	switch {
	case (byTLS || slices.Contains(c.AuthMethods, oauth.AuthSelfSignedTLS) || c.TLSBound) && !cs.TakesCertificates:
		warnings = append(warnings, newFault("", CodeUnused, "the client needs a certificate, and with these settings no server accepts any: set %v with %v or %v, or %v",
			Setting("tls-certificate-file"), Setting("tls-client-auth"), Setting("tls-client-ca-file"), Setting("client-cert-proxy")))
	case byTLS && !cs.TrustsAuthorities:
		warnings = append(warnings, newFault("auth_methods", CodeUnused, "the client needs a certificate of an authority, and with these settings no authority is trusted: set %v", Setting("tls-client-ca-file")))
	}
	if !byTLS && c.TLSSubject != (store.TLSSubject{}) {
		warnings = append(warnings, newFault("tls_subject", CodeUnused, "it is not used: add tls_client_auth to %v", Field("auth_methods")))
	}
	return warnings
}

func viewTLSSubject(s store.TLSSubject) *TLSSubject {
	if s == (store.TLSSubject{}) {
		return nil
	}
	return &TLSSubject{Kind: s.Kind, Value: s.Value}
}

// viewTLSBound is nil if neither is set.
func viewTLSBound(c store.Client) *bool {
	if !c.TLSBound && !c.TLSUnbound {
		return nil
	}
	return &c.TLSBound
}
