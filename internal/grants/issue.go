package grants

import (
	"authserver/internal/oauth"
	"authserver/internal/tokens"
)

// issue mints the access token that answers a request. Every grant issues through it,
// so that none can forget the key that the token is bound to.
func (r Request) issue(minter Minter, access tokens.Access) (Answer, error) {
	access.Confirmation = r.Confirmation
	minted, err := minter.Mint(r.Now, access)
	if err != nil {
		return Answer{}, err
	}
	tokenType := oauth.Bearer
	if access.Confirmation.JKT != "" { // RFC 9449 §5
		tokenType = oauth.DPoP
	}
	return Answer{
		AccessToken: minted.Token, ExpiresIn: minted.ExpiresIn, Scope: access.Scope, TokenType: tokenType,
		ID: minted.ID, Subject: access.Subject, Family: access.Family,
	}, nil
}
