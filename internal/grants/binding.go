package grants

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/tokens"
)

// Possession has the keys whose possession a request proved.
type Possession struct {
	JKT     string // the thumbprint of the key of its DPoP proof (RFC 9449 §6.1); "": no proof
	Alg     string // the algorithm of the proof
	X5TS256 string // the thumbprint of the client certificate (RFC 8705 §3.1); "": none
	// ByCertificate is set if the client authenticated by that certificate.
	ByCertificate bool
}

// Bind decides to which of the keys an access token of the client is bound, whatever the grant. A
// proof always binds (RFC 9449 §5). Authentication by a certificate and tokens bound to it are two
// choices (RFC 8705 §3). The registration decides if it has a value. Otherwise the certificate
// binds if the client sent no proof, and either authenticated by the certificate or has a profile
// that demands bound tokens.
//
// It is an [oauth.Error] if the token would be a bearer token but the client is registered for
// bound ones: by a flag, or because it authenticates by certificates alone. That also holds for a
// client that did not authenticate. client is nil if the token is for no client.
func (p Possession) Bind(client *store.Client) (tokens.Confirmation, error) {
	bound := tokens.Confirmation{JKT: p.JKT}
	if client == nil {
		return bound, nil
	}
	if err := p.Fits(client.Profile); err != nil {
		return tokens.Confirmation{}, err
	}
	if client.DPoPBound && p.JKT == "" { // RFC 9449 §5.2
		return tokens.Confirmation{}, oauth.Fail(oauth.InvalidDPoPProof, "dpop_missing",
			"the access tokens of this client are bound to a key: send a proof of it in the header DPoP")
	}
	bindsAnyway := p.ByCertificate || client.Profile == store.ProfileFAPI2
	if client.TLSBound || !client.TLSUnbound && bindsAnyway && p.JKT == "" {
		bound.X5TS256 = p.X5TS256
	}
	unboundByMistake := certifiedOnly(*client) && !client.TLSUnbound && bound == (tokens.Confirmation{})
	if client.TLSBound && p.X5TS256 == "" || unboundByMistake { // RFC 8705 §3.4, §3
		return tokens.Confirmation{}, oauth.Fail(oauth.InvalidRequest, "certificate_missing",
			"the access tokens of this client are bound to its certificate: the client has to authenticate, and to present the certificate in TLS")
	}
	if client.Profile == store.ProfileFAPI2 && bound == (tokens.Confirmation{}) { // FAPI 2.0 §5.3.2.1, items 4 and 5
		return tokens.Confirmation{}, oauth.Fail(oauth.InvalidDPoPProof, "dpop_missing",
			"the profile of this client demands bound access tokens: send a proof of a key in the header DPoP, or present a certificate in TLS")
	}
	return bound, nil
}

// Fits is an [oauth.Error] if there is a proof that is signed with an algorithm outside the profile
// of the client (FAPI 2.0 §5.4.1).
func (p Possession) Fits(profile store.Profile) error {
	if allowed := profile.Algorithms(); p.JKT != "" && allowed != nil && !slices.Contains(allowed, p.Alg) {
		return oauth.Fail(oauth.InvalidDPoPProof, "dpop_refused",
			"the proof in the header DPoP is not accepted: the profile of this client allows only "+strings.Join(allowed, ", "))
	}
	return nil
}

// Holds refuses a token that is bound to a key (RFC 7800 §3.1) which the request does not prove,
// so that a stolen token is useless (RFC 9449 §9, RFC 8705 §3). A key of another kind cannot be
// proved. claims are those of the token.
func (p Possession) Holds(claims map[string]any) error {
	cnf, bound := claims["cnf"]
	if !bound {
		return nil
	}
	keys, _ := cnf.(map[string]any)
	for _, member := range slices.Sorted(maps.Keys(keys)) {
		thumbprint, _ := keys[member].(string)
		held := member == "jkt" && thumbprint == p.JKT || member == "x5t#S256" && thumbprint == p.X5TS256
		if thumbprint == "" || !held {
			return &UnprovedError{member}
		}
	}
	if len(keys) == 0 {
		return errors.New("its cnf names no key")
	}
	return nil
}

// UnprovedError says that a request does not prove a key to which its token is bound.
type UnprovedError struct{ Member string } // of the claim cnf, such as "jkt"

func (e *UnprovedError) Error() string { return "it is bound to a key that the request does not prove" }

// certifiedOnly reports whether a client authenticates only by certificates.
func certifiedOnly(c store.Client) bool {
	return !slices.ContainsFunc(c.AuthMethods, func(m oauth.AuthMethod) bool { return m != oauth.AuthTLS && m != oauth.AuthSelfSignedTLS })
}

// keys are the keys that the request proved, as [store.Family] names them.
func (p Possession) keys() []string {
	var keys []string
	if p.JKT != "" {
		keys = append(keys, store.BoundToJKT+p.JKT)
	}
	if p.X5TS256 != "" {
		keys = append(keys, store.BoundToX5T+p.X5TS256)
	}
	return keys
}

// familyKey is the key to which new refresh tokens are bound; "": none. Only the refresh tokens of
// a public client are bound: a confidential client has to authenticate anyway (RFC 9449 §5, RFC
// 8705 §4).
func (r Request) familyKey() string {
	switch {
	case !r.Client.Public():
		return ""
	case r.Confirmation.JKT != "":
		return store.BoundToJKT + r.Confirmation.JKT
	case r.Confirmation.X5TS256 != "":
		return store.BoundToX5T + r.Confirmation.X5TS256
	}
	return ""
}
