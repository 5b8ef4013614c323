package handlers

import (
	"net/http"

	"authserver/internal/oauth"
	"authserver/internal/telemetry"
	"authserver/internal/tokens"
	"authserver/internal/web"
)

// Revoke is POST /oauth2/revoke (RFC 7009).
type Revoke struct {
	Clients *Clients
	Tokens  *tokens.Revocables
	Metrics *telemetry.Metrics
}

func (e *Revoke) serve(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	outcome, err := e.revocation(r, n)
	if err != nil {
		_, refused := web.Classify(err)
		e.Metrics.Revocation(string(refused.Code))
		return err
	}
	n.Outcome = outcome
	e.Metrics.Revocation(outcome)
	// RFC 7009 §2.2: also for an invalid token. The status is the answer, but some libraries parse
	// the body as JSON.
	web.WriteSecret(w, struct{}{})
	return nil
}

func (e *Revoke) revocation(r *http.Request, n *web.RequestInfo) (string, error) {
	form, err := readForm(r, n)
	if err != nil {
		return "", err
	}
	who, leave, err := e.Clients.enter(r, KindRevocation, form, n)
	defer leave()
	if err != nil {
		return "", err
	}
	if who.Client == nil {
		return "", clientRequired()
	}
	token := form.Get("token")
	if token == "" {
		return "", oauth.Fail(oauth.InvalidRequest, "token_missing", "token is required")
	}
	found, err := e.Tokens.Find(r.Context(), *who.Client, telemetry.RequestID(r.Context()), token)
	noteToken(n, found.About)
	if err != nil {
		return "", err
	}
	if err := e.Clients.useUp(r.Context(), who); err != nil {
		return "", err
	}
	if found.Revoke == nil {
		return telemetry.Ignored, nil // RFC 7009 §2.2: invalid tokens do not cause an error
	}
	return telemetry.Revoked, found.Revoke()
}
