package verifier

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// ErrUnavailable means that a token cannot be verified now, although nothing is known to be wrong
// with it: the keys of the issuer cannot be fetched, or there is no place to remember its DPoP
// proof. The middleware answers 503.
var ErrUnavailable = errors.New("the access token cannot be verified now; try again later")

// The codes of RFC 6750 §3.1 and RFC 9449 §12.2.
const (
	InvalidRequest    = "invalid_request"
	InvalidToken      = "invalid_token"
	InsufficientScope = "insufficient_scope"
	InvalidProof      = "invalid_dpop_proof"
)

// Error is the reason why a request is refused.
type Error struct {
	Status int    // of HTTP: 400, 401 or 403
	Code   string // one of the constants; "": the request had no token (RFC 6750 §3.1)
	Scopes []string
	reason error
}

// Error says which check failed, and quotes nothing of the token.
func (e *Error) Error() string {
	if e.Code == "" {
		return e.reason.Error()
	}
	return e.Code + ": " + e.reason.Error()
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.reason }

func refuse(status int, code string, why error) error {
	return &Error{Status: status, Code: code, reason: why}
}

func invalidToken(why error) error { return refuse(http.StatusUnauthorized, InvalidToken, why) }

func insufficient(need Requirements, why error) error {
	return &Error{Status: http.StatusForbidden, Code: InsufficientScope, Scopes: need.Scopes, reason: why}
}

// challenges returns the values of WWW-Authenticate (RFC 6750 §3, RFC 9449 §7.1). The scheme of the
// request comes first. DPoP is offered only by an API that accepts it.
func (e *Error) challenges(realm string, proofAlgs []string, takesDPoP, usedDPoP bool) []string {
	realm = quoted(realm)
	bearer := `Bearer realm="` + realm + `"`
	dpopScheme := `DPoP realm="` + realm + `", algs="` + strings.Join(proofAlgs, " ") + `"`
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
	if e.Status != http.StatusUnauthorized || !takesDPoP { // another scheme would not help, or there is none
		return []string{used + fault}
	}
	return []string{used + fault, other}
}

// quoted returns a text for the quotes of a header (RFC 9110 §5.6.4). The identifier of an API may
// contain quotes, and characters that are not ASCII, which are escaped as in a URL.
func quoted(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r > '~':
			b.WriteString(url.QueryEscape(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// quotable replaces the characters that error_description must not have (RFC 6750 §3). An
// error of the JSON parser can quote a character of the token.
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
