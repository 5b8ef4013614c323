package verifier

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"authserver/internal/dpop"
)

// ErrUnavailable is the answer where nothing is wrong with the token as far as is known,
// and it cannot be verified: the issuer's keys cannot be fetched and none were before, or
// more proofs came than are remembered. It is answered with 503.
var ErrUnavailable = errors.New("the access token cannot be verified now; try again later")

// The codes of RFC 6750 §3.1 and RFC 9449 §12.2.
const (
	InvalidRequest    = "invalid_request"
	InvalidToken      = "invalid_token"
	InsufficientScope = "insufficient_scope"
	InvalidProof      = "invalid_dpop_proof"
)

// Error is why a request is refused.
type Error struct {
	Status int    // of HTTP: 400, 401 or 403
	Code   string // one of the above; "": no token was sent (RFC 6750 §3.1)
	Scopes []string
	reason error
}

// Error says which check failed, and nothing of the token.
func (e *Error) Error() string {
	if e.Code == "" {
		return e.reason.Error()
	}
	return e.Code + ": " + e.reason.Error()
}

// Unwrap returns what failed.
func (e *Error) Unwrap() error { return e.reason }

func refuse(status int, code string, why error) error {
	return &Error{Status: status, Code: code, reason: why}
}

func invalidToken(why error) error { return refuse(http.StatusUnauthorized, InvalidToken, why) }

func insufficient(need Requirements, why error) error {
	return &Error{Status: http.StatusForbidden, Code: InsufficientScope, Scopes: need.Scopes, reason: why}
}

// challenges are the values of WWW-Authenticate, that of the scheme that was used first
// (RFC 6750 §3, RFC 9449 §7.1). DPoP is offered where it is taken.
func (e *Error) challenges(realm string, takesDPoP, usedDPoP bool) []string {
	bearer := `Bearer realm="` + realm + `"`
	dpopScheme := `DPoP realm="` + realm + `", algs="` + strings.Join(dpop.Algorithms(), " ") + `"`
	fault := ""
	if e.Code != "" {
		fault = fmt.Sprintf(`, error="%s", error_description="%s"`, e.Code, quotable(e.reason.Error()))
	}
	if len(e.Scopes) > 0 {
		fault += `, scope="` + quotable(strings.Join(e.Scopes, " ")) + `"`
	}
	used, other := bearer, dpopScheme
	if usedDPoP && takesDPoP {
		used, other = dpopScheme, bearer
	}
	if e.Status != http.StatusUnauthorized || !takesDPoP { // the other scheme would not change it, or there is none
		return []string{used + fault}
	}
	return []string{used + fault, other}
}

// quotable leaves what may stand in error_description (RFC 6750 §3): what the parser of
// JSON says can quote a character of the token.
func quotable(text string) string {
	return strings.Map(func(r rune) rune {
		if unquotable(string(r)) {
			return '?'
		}
		return r
	}, text)
}

func unquotable(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
}
