package web

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"authserver/internal/admission"
	"authserver/internal/attempts"
	"authserver/internal/oauth"
	"authserver/internal/passwords"
	"authserver/internal/store"
)

// retryAfter is the default of Retry-After.
const retryAfter = 2 * time.Second

// statusError is an error with another status than that of its OAuth code.
type statusError struct {
	status  int
	refused *oauth.Error
}

func (e *statusError) Error() string { return e.refused.Error() }
func (e *statusError) Unwrap() error { return e.refused }

func notFound(http.ResponseWriter, *http.Request, *RequestInfo) error {
	return &statusError{http.StatusNotFound, oauth.Fail(oauth.InvalidRequest, "no_such_endpoint",
		"there is no such endpoint: see /openapi.yaml and /.well-known/oauth-authorization-server")}
}

func methodNotAllowed() error {
	return &statusError{http.StatusMethodNotAllowed, oauth.Fail(oauth.InvalidRequest, "method_not_allowed",
		"the endpoint does not support this method: see the header Allow")}
}

// Unauthorized is a refusal with the status 401. The endpoint sets WWW-Authenticate.
func Unauthorized(refused *oauth.Error) error {
	return &statusError{http.StatusUnauthorized, refused}
}

func bodyTooLarge(cause error) error {
	return &statusError{http.StatusRequestEntityTooLarge, oauth.Fail(oauth.InvalidRequest, "body_too_large",
		"the body is larger than 64 KiB").Because(cause)}
}

func bodyLate(cause error) error {
	return &statusError{http.StatusRequestTimeout, oauth.Fail(oauth.InvalidRequest, "body_late",
		"the body did not arrive in time: send all of it at once").Because(cause)}
}

// tooManyRequests is 429 (RFC 6585 §4): the server has room, but not for this client.
func tooManyRequests() *statusError {
	return &statusError{http.StatusTooManyRequests, oauth.Fail(oauth.Unavailable, "client_share",
		"the client sends more requests at once than its share: try again shortly, with fewer at once")}
}

// tooManyAttempts is 429 after too many wrong passwords or secrets.
func tooManyAttempts() *statusError {
	return &statusError{http.StatusTooManyRequests, oauth.Fail(oauth.Unavailable, "too_many_attempts",
		"too many attempts failed: wait for as long as Retry-After says, then try again")}
}

// errorBody is the answer of RFC 6749 §5.2, with the request id, under which the log has more.
type errorBody struct {
	Error       oauth.Code `json:"error"`
	Description string     `json:"error_description"`
	RequestID   string     `json:"request_id"`
}

// writeError renders any error. An error that is not an [oauth.Error] gets a general description.
func writeError(w http.ResponseWriter, requestID string, err error) {
	status, refused := Classify(err)
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Pragma", "no-cache")
	switch status {
	case http.StatusUnauthorized: // RFC 6749 §5.2, RFC 9110 §11.6.1
		if header.Get("WWW-Authenticate") == "" { // an endpoint that takes access tokens sets its own
			header.Set("WWW-Authenticate", `Basic realm="authserver", charset="UTF-8"`)
		}
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		header.Set("Retry-After", retrySeconds(refused))
	}
	WriteJSON(w, status, errorBody{refused.Code, oauth.DescriptionText(refused.Description), requestID})
}

// retrySeconds is the value of Retry-After.
func retrySeconds(refused *oauth.Error) string {
	wait := refused.RetryAfter
	if wait <= 0 {
		wait = retryAfter
	}
	return strconv.Itoa(int(math.Ceil(wait.Seconds())))
}

// Classify returns the status of an error, and the part of it that the answer may show.
func Classify(err error) (int, *oauth.Error) {
	var withStatus *statusError
	var refused *oauth.Error
	var throttled *attempts.ThrottledError
	switch {
	case errors.As(err, &withStatus):
		return withStatus.status, withStatus.refused
	case errors.As(err, &refused):
		return statusOf(refused.Code), refused
	case errors.Is(err, admission.ErrShare):
		share := tooManyRequests()
		return share.status, share.refused
	case errors.As(err, &throttled):
		wait := tooManyAttempts()
		return wait.status, wait.refused.After(throttled.Wait)
	case errors.Is(err, admission.ErrOvertaken):
		return http.StatusServiceUnavailable, oauth.Fail(oauth.Unavailable, "body_overtaken",
			"the body did not arrive before its place was needed for another request: try again shortly")
	case errors.Is(err, admission.ErrFull), errors.Is(err, admission.ErrLate):
		return http.StatusServiceUnavailable, oauth.Fail(oauth.Unavailable, "overloaded",
			"more requests arrive than the server can answer: try again shortly")
	case errors.Is(err, passwords.ErrBusy):
		return http.StatusServiceUnavailable, oauth.Fail(oauth.Unavailable, "busy",
			"too many passwords are being checked: try again shortly")
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable, oauth.Fail(oauth.Unavailable, "unavailable",
			"the server cannot reach what it needs just now: try again with the same request")
	}
	return http.StatusInternalServerError, oauth.Fail(oauth.ServerError, "fault",
		"the server failed: its log says why under this request id")
}

// refusedForLoad reports whether a request was refused because of the load of other
// requests.
func refusedForLoad(err error) bool {
	return errors.Is(err, admission.ErrShare) || errors.Is(err, admission.ErrFull) || errors.Is(err, admission.ErrLate) || errors.Is(err, admission.ErrOvertaken)
}

// statusOf is the status of RFC 6749 §5.2: 400, or 401 if client authentication failed. Of
// an access token it is that of RFC 6750 §3.1.
func statusOf(code oauth.Code) int {
	switch code {
	case oauth.InvalidClient, oauth.InvalidToken:
		return http.StatusUnauthorized
	case oauth.InsufficientScope:
		return http.StatusForbidden
	case oauth.Unavailable:
		return http.StatusServiceUnavailable
	case oauth.ServerError:
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// WriteJSON answers with a JSON object. An error here means that the caller is gone.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		http.Error(w, `{"error":"server_error"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encoded)
}

// WriteSecret is WriteJSON for answers that no cache may keep (RFC 6749 §5.1).
func WriteSecret(w http.ResponseWriter, body any) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	WriteJSON(w, http.StatusOK, body)
}
