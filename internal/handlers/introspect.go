package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/tokens"
)

// introspectionBody is an answer (RFC 7662 §2.2): what is said of every good token, and
// beside it claims, a JSON object that has none of these names.
type introspectionBody struct {
	Active    bool   `json:"active"`
	TokenType string `json:"token_type,omitempty"`
	Username  string `json:"username,omitempty"`

	claims []byte
}

// refreshClaims are those of a refresh token.
type refreshClaims struct {
	ClientID  string `json:"client_id"`
	Issuer    string `json:"iss"`
	Subject   string `json:"sub"`
	Scope     string `json:"scope"`
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp"`
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

// introspect is POST /oauth2/introspect (RFC 7662). Of an access token it is
// answered from memory.
func (h *Handlers) introspect(w http.ResponseWriter, r *http.Request, n *note) error {
	body, err := h.introspection(r, n)
	if err != nil {
		_, refused := classify(err)
		h.Metrics.Introspection(string(refused.Code))
		return err
	}
	n.outcome = telemetry.Inactive
	if body.Active {
		n.outcome = telemetry.Active
	}
	h.Metrics.Introspection(n.outcome)
	writeSecret(w, body)
	return nil
}

func (h *Handlers) introspection(r *http.Request, n *note) (introspectionBody, error) {
	form, err := readForm(r, n)
	if err != nil {
		return introspectionBody{}, err
	}
	who, leave, err := h.enter(r, KindIntrospection, form, n)
	defer leave()
	if err != nil {
		return introspectionBody{}, err
	}
	// RFC 7662 §2.1: the endpoint MUST require authorization, against token scanning.
	if who.Client == nil || who.Client.Public() {
		return introspectionBody{}, clientRequired()
	}
	if !form.Has("token") {
		return introspectionBody{}, oauth.Fail(oauth.InvalidRequest, "token_missing", "token is required")
	}
	// The form of a token tells which it is; token_type_hint is only ever a hint.
	look := h.introspectAccess
	if strings.HasPrefix(form.Get("token"), tokens.RefreshPrefix) {
		look = h.introspectRefresh
	}
	body, err := look(r.Context(), *who.Client, form.Get("token"))
	if err != nil {
		return introspectionBody{}, err
	}
	return body, h.useUp(r.Context(), who)
}

// inactive is the answer for every token that is not good, or not this client's
// to know of (RFC 7662 §2.2).
func inactive() introspectionBody { return introspectionBody{} }

func (h *Handlers) introspectAccess(ctx context.Context, client store.Client, token string) (introspectionBody, error) {
	claims, err := h.Verifier.Verify(h.Now(), token)
	if err != nil {
		return inactive(), nil //nolint:nilerr // RFC 7662 §2.2: a token that is not good is no error
	}
	revoked, err := h.View.Revoked(ctx, claims)
	if err != nil {
		return inactive(), fmt.Errorf("look up whether the token is revoked: %w", err)
	}
	serves := slices.ContainsFunc(claims.Audience, func(aud string) bool { return slices.Contains(client.Serves, aud) })
	own := claims.IssuedTo(client) && claims.Parsed.OfClient(client.NotBefore)
	if revoked || !own && !serves {
		return inactive(), nil
	}
	body := introspectionBody{Active: true, TokenType: oauth.Bearer, claims: claims.Payload}
	if cnf, ok := claims.All["cnf"].(map[string]any); ok && cnf["jkt"] != nil { // RFC 9449 §6.2
		body.TokenType = oauth.DPoP
	}
	if claims.Subject != claims.ClientID {
		body.Username = h.username(ctx, claims.Subject)
	}
	return body, nil
}

// username names the user. Where that cannot be looked up the answer goes without:
// whether the token is good does not hang on it.
func (h *Handlers) username(ctx context.Context, subject string) string {
	user, err := h.Users.User(ctx, subject)
	if err != nil {
		return ""
	}
	return user.Username
}

func (h *Handlers) introspectRefresh(ctx context.Context, client store.Client, token string) (introspectionBody, error) {
	presented, err := h.Refresh.Decode(token)
	if err != nil {
		return inactive(), nil //nolint:nilerr // RFC 7662 §2.2: a token that is not good is no error
	}
	family, err := h.Families.Family(ctx, presented.Family)
	if errors.Is(err, store.ErrNotFound) {
		return inactive(), nil
	}
	if err != nil {
		return inactive(), fmt.Errorf("look up the refresh token: %w", err)
	}
	revoked, err := h.View.RevokedFamily(ctx, family)
	if err != nil {
		return inactive(), fmt.Errorf("look up whether the refresh token is revoked: %w", err)
	}
	user, err := h.Users.User(ctx, family.UserID)
	if errors.Is(err, store.ErrNotFound) {
		return inactive(), nil
	}
	if err != nil {
		return inactive(), fmt.Errorf("look up the user: %w", err)
	}
	alive := !revoked && !family.Void(user, client.NotBefore) && !family.Expired(store.At(h.Now()), h.Clock)
	if !alive || family.ClientID != client.ID || family.Generation != presented.Generation {
		return inactive(), nil
	}
	expires := family.IdleExpiresAt
	if family.ExpiresAt.Before(expires) {
		expires = family.ExpiresAt
	}
	claims, err := json.Marshal(refreshClaims{
		ClientID: family.ClientID, Issuer: h.Issuer, Subject: family.UserID, Scope: family.Scope.String(),
		IssuedAt: family.CreatedAt.Unix(), ExpiresAt: expires.Unix(),
	})
	return introspectionBody{Active: true, Username: user.Username, claims: claims}, err
}
