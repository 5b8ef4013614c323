package handlers

import (
	"encoding/json"
	"net/http"

	"authserver/internal/oauth"
	"authserver/internal/telemetry"
	"authserver/internal/tokens"
	"authserver/internal/web"
)

// Introspect is POST /oauth2/introspect (RFC 7662).
type Introspect struct {
	Clients *Clients
	Tokens  *tokens.Introspector
	Metrics *telemetry.Metrics
}

// introspectionBody is an answer (RFC 7662 §2.2): the members of every active token, and claims, a
// JSON object with none of these names.
type introspectionBody struct {
	Active    bool   `json:"active"`
	TokenType string `json:"token_type,omitempty"`
	Username  string `json:"username,omitempty"`

	claims []byte
}

// MarshalJSON implements [json.Marshaler].
func (b introspectionBody) MarshalJSON() ([]byte, error) {
	type own introspectionBody
	members, err := json.Marshal(own(b))
	if err != nil || b.claims == nil {
		return members, err
	}
	// Two objects without a name in common make one.
	return append(append(members[:len(members)-1], ','), b.claims[1:]...), nil
}

func (e *Introspect) serve(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	found, err := e.introspection(r, n)
	if err != nil {
		_, refused := web.Classify(err)
		e.Metrics.Introspection(string(refused.Code))
		return err
	}
	n.Outcome = telemetry.Active
	if !found.Active {
		n.Outcome = telemetry.Inactive
		noteToken(n, found.About)
	}
	e.Metrics.Introspection(n.Outcome)
	web.WriteSecret(w, introspectionBody{found.Active, found.TokenType, found.Username, found.Claims})
	return nil
}

func (e *Introspect) introspection(r *http.Request, n *web.RequestInfo) (tokens.Introspection, error) {
	form, err := readForm(r, n)
	if err != nil {
		return tokens.Introspection{}, err
	}
	who, leave, err := e.Clients.enter(r, KindIntrospection, form, n)
	defer leave()
	if err != nil {
		return tokens.Introspection{}, err
	}
	// RFC 7662 §2.1: the endpoint MUST require authorization, against token scanning.
	if who.Client == nil || who.Client.Public() {
		return tokens.Introspection{}, clientRequired()
	}
	if !form.Has("token") {
		return tokens.Introspection{}, oauth.Fail(oauth.InvalidRequest, "token_missing", "token is required")
	}
	found, err := e.Tokens.Introspect(r.Context(), *who.Client, form.Get("token"))
	if err != nil {
		return tokens.Introspection{}, err
	}
	return found, e.Clients.useUp(r.Context(), who)
}
