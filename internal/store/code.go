package store

// Login is what a family stores about the sign-in of its user, for ID tokens (OIDC Core §2); zero
// for grants without a sign-in.
type Login struct {
	AuthTime Moment   `json:"auth_time,omitzero"`
	ACR      string   `json:"acr,omitempty"`
	AMR      []string `json:"amr,omitempty"`
	Nonce    string   `json:"nonce,omitempty"`
	// IDTokenClaims and UserinfoClaims are the claims of the parameter "claims" (OIDC Core §5.5)
	// that the person agreed to: all of those for ID tokens, and those for UserInfo that none of
	// the family's scopes contains.
	IDTokenClaims  []string `json:"id_token_claims,omitempty"`
	UserinfoClaims []string `json:"userinfo_claims,omitempty"`
}

// IsZero reports whether there was no sign-in.
func (l Login) IsZero() bool {
	return l.AuthTime.IsZero() && l.ACR == "" && l.AMR == nil && l.Nonce == "" && l.IDTokenClaims == nil && l.UserinfoClaims == nil
}

// Code has the conditions for exchanging an authorization code. The code itself is a function of
// its family, as a refresh token is, and expires at the family's IdleExpiresAt.
type Code struct {
	// RedirectURI is that of the authorization request; "": it had none, so the token request needs
	// none either (RFC 6749 §4.1.3).
	RedirectURI string `json:"redirect_uri,omitempty"`
	// Challenge is the code_challenge, by S256 (RFC 7636 §4.2); "": there was none, so the token
	// request must have no verifier (RFC 9700 §2.1.1).
	Challenge string `json:"challenge,omitempty"`
	// JKT is the thumbprint of the DPoP key that the token request has to prove, the parameter
	// dpop_jkt (RFC 9449 §10); "": any, or none.
	JKT string `json:"jkt,omitempty"`
}

// IsZero reports whether there are no conditions.
func (c Code) IsZero() bool { return c == Code{} }
