package grants

import (
	"slices"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// CheckBound refuses what would give a client a token that anybody can use, where the
// client is registered for tokens that are bound to a key: by a flag, or because a
// certificate is all that it proves itself by. by is what the request proved. It holds
// for every grant, and for a client that did not authenticate too.
func CheckBound(c store.Client, by tokens.Confirmation) error {
	switch {
	case c.DPoPBound && by.JKT == "": // RFC 9449 §5.2
		return oauth.Fail(oauth.InvalidDPoPProof, "dpop_missing",
			"the access tokens of this client are bound to a key: send a proof of it in the header DPoP")
	case c.TLSBound && by.X5TS256 == "", certifiedOnly(c) && by == (tokens.Confirmation{}): // RFC 8705 §3.4, §3
		return oauth.Fail(oauth.InvalidRequest, "certificate_missing",
			"the access tokens of this client are bound to its certificate: the client has to authenticate, and to present the certificate in TLS")
	}
	return nil
}

// certifiedOnly reports whether a client proves itself by nothing but certificates.
func certifiedOnly(c store.Client) bool {
	return !slices.ContainsFunc(c.AuthMethods, func(m oauth.AuthMethod) bool { return m != oauth.AuthTLS && m != oauth.AuthSelfSignedTLS })
}
