package handlers

import (
	"net/http"
	"strings"
	"time"

	"authserver/internal/grants"
	"authserver/internal/oauth"
	"authserver/internal/telemetry"
	"authserver/internal/tokens"
	"authserver/internal/web"
)

// tokenBody is the answer of RFC 6749 §5.1. The scope is always in it.
type tokenBody struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	Scope        string `json:"scope"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`          // OpenID Connect Core §3.1.3.3
	IssuedType   string `json:"issued_token_type,omitempty"` // RFC 8693 §2.2.1
}

// Token is POST /oauth2/token (RFC 6749 §3.2).
type Token struct {
	Clients *Clients
	Grants  *grants.Registry
	DPoP    DPoP
	Metrics *telemetry.Metrics
	Now     func() time.Time
}

func (e *Token) serve(w http.ResponseWriter, r *http.Request, n *web.RequestInfo) error {
	began := e.Now()
	if err := e.DPoP.giveNonce(w, began); err != nil {
		return err
	}
	answer, err := e.exchange(r, n, began)
	noteToken(n, answer.About)
	n.Outcome, n.Issuer = answer.Outcome, answer.Issuer
	e.count(n, e.Now().Sub(began), err)
	if err != nil {
		return err
	}
	// 7. Write.
	web.WriteSecret(w, tokenBody{
		AccessToken:  answer.AccessToken,
		TokenType:    answer.TokenType,
		ExpiresIn:    int64(answer.ExpiresIn / time.Second),
		Scope:        answer.Scope.String(),
		RefreshToken: answer.RefreshToken,
		IDToken:      answer.IDToken,
		IssuedType:   answer.IssuedTokenType,
	})
	return nil
}

// exchange has the steps of every token request, for any grant.
func (e *Token) exchange(r *http.Request, n *web.RequestInfo, now time.Time) (grants.Answer, error) {
	// 1. Parse strictly.
	form, err := readForm(r, n)
	if err != nil {
		return grants.Answer{}, err
	}
	grantType := oauth.GrantType(form.Get("grant_type"))
	grant, known := e.Grants.Find(grantType)
	if known {
		n.Grant = string(grantType)
	}
	// 2. Wait for room, and authenticate the client.
	who, leave, err := e.Clients.enter(r, string(grantType), form, n)
	defer leave()
	if err != nil {
		return grants.Answer{}, err
	}
	// 3. Find the grant.
	if grantType == "" {
		return grants.Answer{}, oauth.Fail(oauth.InvalidRequest, "grant_type_missing", "grant_type is required")
	}
	if !known {
		return grants.Answer{}, oauth.Fail(oauth.UnsupportedGrantType, "grant_type_unknown",
			oauth.Quote("grant_type", string(grantType))+" is not one of "+strings.Join(names(e.Grants.Types()), ", "))
	}
	// 4. Check that the client may use the grant.
	if who.Client == nil && grant.NeedsClient() {
		return grants.Answer{}, clientRequired()
	}
	if who.Client != nil && !who.Client.May(grantType) {
		return grants.Answer{}, oauth.Fail(oauth.UnauthorizedClient, "grant_not_allowed",
			"the client is not registered for the "+oauth.Quote("grant", string(grantType))+": an administrator can add it")
	}
	// 5. Bind the token to a key.
	proof, proofs, err := e.DPoP.check(r, form, n, now)
	if err != nil {
		return grants.Answer{}, err
	}
	request := grants.Request{Client: who.Client, Form: form, Now: now, From: n.From.Share, RequestID: telemetry.RequestID(r.Context()), Possession: possessionOf(who, proof), Once: withAuthenticationUse(who, proofs)}
	if request.Confirmation, err = request.Possession.Bind(who.Client); err != nil {
		return grants.Answer{}, err
	}
	// 6. Exchange, and record the single uses.
	return grant.Exchange(r.Context(), request)
}

func (e *Token) count(n *web.RequestInfo, took time.Duration, err error) {
	outcome := telemetry.Issued
	if err != nil {
		_, refused := web.Classify(err)
		outcome = string(refused.Code)
	}
	e.Metrics.Token(n.Grant, n.Method, outcome, took)
	if n.Outcome != "" && n.Grant == string(oauth.RefreshToken) { // a refresh token was checked
		e.Metrics.Refresh(n.Outcome)
	}
}

// noteToken notes for the log what is known of a token that a request presents, or gets.
func noteToken(n *web.RequestInfo, a tokens.About) {
	n.Subject, n.Username, n.ID = a.Subject, a.Username, a.ID
	n.RevokedAt, n.Revocation, n.Reason = a.RevokedAt, a.Revocation, a.Reason
	if !a.Family.IsZero() {
		n.Family = a.Family.String()
	}
}

// names returns strings of any kind as strings.
func names[S ~string](values []S) []string {
	plain := make([]string, 0, len(values))
	for _, v := range values {
		plain = append(plain, string(v))
	}
	return plain
}
