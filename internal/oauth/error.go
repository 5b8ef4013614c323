package oauth

import (
	"fmt"
	"time"
)

// Code is an error code, the value of the member "error".
type Code string

// The error codes for any request.
const (
	InvalidRequest       Code = "invalid_request"         // RFC 6749 §5.2
	InvalidClient        Code = "invalid_client"          // RFC 6749 §5.2
	InvalidGrant         Code = "invalid_grant"           // RFC 6749 §5.2
	UnauthorizedClient   Code = "unauthorized_client"     // RFC 6749 §5.2
	UnsupportedGrantType Code = "unsupported_grant_type"  // RFC 6749 §5.2
	InvalidScope         Code = "invalid_scope"           // RFC 6749 §5.2
	UnsupportedTokenType Code = "unsupported_token_type"  // RFC 7009 §2.2.1
	InvalidTarget        Code = "invalid_target"          // RFC 8707 §2
	InvalidDPoPProof     Code = "invalid_dpop_proof"      // RFC 9449 §5
	UseDPoPNonce         Code = "use_dpop_nonce"          // RFC 9449 §8
	ServerError          Code = "server_error"            // RFC 6749 §4.1.2.1
	Unavailable          Code = "temporarily_unavailable" // RFC 6749 §4.1.2.1
)

// The error codes of a request with an access token, at userinfo.
const (
	InvalidToken      Code = "invalid_token"      // RFC 6750 §3.1
	InsufficientScope Code = "insufficient_scope" // RFC 6750 §3.1
)

// The error codes that only an authorization request gets.
const (
	AccessDenied                Code = "access_denied"                     // RFC 6749 §4.1.2.1
	UnsupportedResponseType     Code = "unsupported_response_type"         // RFC 6749 §4.1.2.1
	LoginRequired               Code = "login_required"                    // OpenID Connect Core §3.1.2.6
	ConsentRequired             Code = "consent_required"                  // OpenID Connect Core §3.1.2.6
	AccountSelectionRequired    Code = "account_selection_required"        // OpenID Connect Core §3.1.2.6
	InvalidRequestURI           Code = "invalid_request_uri"               // RFC 9101 §7
	InvalidRequestObject        Code = "invalid_request_object"            // RFC 9101 §7
	RequestNotSupported         Code = "request_not_supported"             // RFC 9101 §7
	RequestURINotSupported      Code = "request_uri_not_supported"         // RFC 9101 §7
	RegistrationNotSupported    Code = "registration_not_supported"        // OpenID Connect Core §3.1.2.6
	UnmetAuthenticationRequired Code = "unmet_authentication_requirements" // OpenID Connect Core Unmet Authentication Requirements 1.0
)

// Codes returns every error code.
func Codes() []Code {
	return []Code{
		InvalidRequest, InvalidClient, InvalidGrant, UnauthorizedClient, UnsupportedGrantType, InvalidScope, UnsupportedTokenType,
		InvalidTarget, InvalidDPoPProof, UseDPoPNonce, ServerError, Unavailable, InvalidToken, InsufficientScope,
		AccessDenied, UnsupportedResponseType, LoginRequired, ConsentRequired, AccountSelectionRequired,
		InvalidRequestURI, InvalidRequestObject, RequestNotSupported, RequestURINotSupported, RegistrationNotSupported,
		UnmetAuthenticationRequired,
	}
}

// Error is a refusal with the members of RFC 6749 §5.2.
//
// The caller gets Code and Description. Reason and the cause stay inside: they go to the log, the
// metrics and the table of errors in the documentation.
type Error struct {
	Code        Code
	Reason      string        // stable slug, such as "refresh_reused"
	Description string        // what was wrong and what to do; never a secret or the message of a driver
	Audit       bool          // a sign of a stolen code, token, assertion or proof: the log warns, and marks the line
	RetryAfter  time.Duration // with [Unavailable]: when to try again; 0: the renderer chooses
	cause       error
}

// Fail makes a refusal. The description is our own text: it says what was wrong and what to do, and
// reveals neither whether a user or client exists nor a secret.
func Fail(code Code, reason, description string) *Error {
	return &Error{Code: code, Reason: reason, Description: description}
}

// Because returns a copy of e with the cause, which only the log shows.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// ForAudit returns a copy of e that is a sign of a stolen code, token, assertion or proof.
func (e *Error) ForAudit() *Error {
	c := *e
	c.Audit = true
	return &c
}

// After returns a copy of e that asks the caller to try again after d.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

func (e *Error) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("%s (%s): %s", e.Code, e.Reason, e.Description)
	}
	return fmt.Sprintf("%s (%s): %s: %v", e.Code, e.Reason, e.Description, e.cause)
}

func (e *Error) Unwrap() error { return e.cause }
