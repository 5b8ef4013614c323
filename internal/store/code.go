package store

// Login is what a family remembers of how its user signed in, for ID tokens (OIDC Core §2);
// zero for the grants without a sign-in.
type Login struct {
	AuthTime Moment   `json:"auth_time,omitzero"`
	ACR      string   `json:"acr,omitempty"`
	AMR      []string `json:"amr,omitempty"`
	Nonce    string   `json:"nonce,omitempty"`
	// IDTokenClaims and UserinfoClaims are the claims that the person agreed to and that the
	// parameter "claims" asked for (OIDC Core §5.5): all of those of ID tokens, and those of
	// userinfo that come with none of the family's scopes.
	IDTokenClaims  []string `json:"id_token_claims,omitempty"`
	UserinfoClaims []string `json:"userinfo_claims,omitempty"`
}

// IsZero reports whether no sign-in is remembered.
func (l Login) IsZero() bool {
	return l.AuthTime.IsZero() && l.ACR == "" && l.AMR == nil && l.Nonce == "" && l.IDTokenClaims == nil && l.UserinfoClaims == nil
}

// Code is what exchanging an authorization code is held to. The code itself is a function
// of its family, as a refresh token is, and expires at the family's IdleExpiresAt.
type Code struct {
	// RedirectURI is as the authorization request named it; "": it named none, so that the
	// exchange need not either (RFC 6749 §4.1.3).
	RedirectURI string `json:"redirect_uri,omitempty"`
	// Challenge is the code_challenge, by S256 (RFC 7636 §4.2); "": there was none, so that no
	// verifier may come (RFC 9700 §2.1.1).
	Challenge string `json:"challenge,omitempty"`
	// JKT is the thumbprint of the key that the exchange has to prove by DPoP, the parameter
	// dpop_jkt (RFC 9449 §10); "": any, or none.
	JKT string `json:"jkt,omitempty"`
}

// IsZero reports whether the exchange is held to nothing.
func (c Code) IsZero() bool { return c == Code{} }
