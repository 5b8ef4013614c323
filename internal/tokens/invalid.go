package tokens

import "errors"

// The reasons why a token is not active, for the log. docs/errors.md explains each.
const (
	tokenMalformed   = "access_token_malformed"
	tokenOtherKind   = "access_token_other_kind" // such as an ID token
	tokenUnknownKey  = "access_token_unknown_key"
	tokenSignature   = "access_token_signature"
	tokenOtherIssuer = "access_token_other_issuer"
	tokenExpired     = "access_token_expired"
	tokenNotYet      = "access_token_not_yet_valid"
	tokenRevoked     = "access_token_revoked"
	tokenNotForYou   = "token_of_another_client" // also of another resource server
	tokenEncrypted   = "token_encrypted"         // not recognised
	refreshForged    = "refresh_forged"
	refreshUnknown   = "refresh_unknown"
	refreshOthers    = "refresh_wrong_client"
	refreshRevoked   = "refresh_revoked"
	refreshExpired   = "refresh_expired"
	refreshExchanged = "refresh_exchanged"
)

// invalidError is the reason why a text is not a valid access token of this server.
type invalidError struct {
	reason string
	cause  error
}

func (e *invalidError) Error() string { return e.cause.Error() }
func (e *invalidError) Unwrap() error { return e.cause }

// invalid gives an error its reason; nil stays nil.
func invalid(reason string, cause error) error {
	if cause == nil {
		return nil
	}
	return &invalidError{reason, cause}
}

// invalidity returns what the log has about a token that [Verifier.Verify] refused: the reason, and
// the claims that Verify returned because this server signed them.
func invalidity(claims Claims, err error) About {
	about := claims.About()
	var i *invalidError
	if errors.As(err, &i) { // otherwise the token could not be verified
		about.Reason = i.reason
	}
	return about
}
