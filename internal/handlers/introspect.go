package handlers

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"authserver/internal/oauth"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/tokens"
)

// introspect is POST /oauth2/introspect (RFC 7662). Of an access token it is
// answered from memory.
func (h *Handlers) introspect(w http.ResponseWriter, r *http.Request, n *note) error {
	body, err := h.introspection(w, r, n)
	if err != nil {
		_, refused := classify(err)
		h.Metrics.Introspection(string(refused.Code))
		return err
	}
	n.outcome = telemetry.Inactive
	if body["active"] == true {
		n.outcome = telemetry.Active
	}
	h.Metrics.Introspection(n.outcome)
	writeSecret(w, body)
	return nil
}

func (h *Handlers) introspection(w http.ResponseWriter, r *http.Request, n *note) (map[string]any, error) {
	form, err := readForm(w, r)
	if err != nil {
		return nil, err
	}
	who, leave, err := h.enter(r, KindIntrospection, form, n)
	defer leave()
	if err != nil {
		return nil, err
	}
	// RFC 7662 §2.1: the endpoint MUST require authorization, against token scanning.
	if who.Client == nil || who.Client.Public() {
		return nil, clientRequired()
	}
	if !form.Has("token") {
		return nil, oauth.Fail(oauth.InvalidRequest, "token_missing", "token is required")
	}
	// The form of a token tells which it is; token_type_hint is only ever a hint.
	if strings.HasPrefix(form.Get("token"), tokens.RefreshPrefix) {
		return h.introspectRefresh(r.Context(), *who.Client, form.Get("token"))
	}
	return h.introspectAccess(r.Context(), *who.Client, form.Get("token"))
}

// inactive is the answer for every token that is not good, or not this client's
// to know of (RFC 7662 §2.2).
func inactive() map[string]any { return map[string]any{"active": false} }

func (h *Handlers) introspectAccess(ctx context.Context, client store.Client, token string) (map[string]any, error) {
	claims, err := h.Verifier.Verify(h.Now(), token)
	if err != nil {
		return inactive(), nil //nolint:nilerr // RFC 7662 §2.2: a token that is not good is no error
	}
	revoked, err := h.View.Revoked(ctx, claims)
	if err != nil {
		return nil, fmt.Errorf("look up whether the token is revoked: %w", err)
	}
	serves := slices.ContainsFunc(claims.Audience, func(aud string) bool { return slices.Contains(client.Serves, aud) })
	if revoked || claims.ClientID != client.ID && !serves {
		return inactive(), nil
	}
	body := maps.Clone(claims.All)
	body["active"] = true
	body["token_type"] = oauth.Bearer
	if cnf, ok := claims.All["cnf"].(map[string]any); ok && cnf["jkt"] != nil { // RFC 9449 §6.2
		body["token_type"] = oauth.DPoP
	}
	if claims.Subject != claims.ClientID {
		h.addUsername(ctx, body, claims.Subject)
	}
	return body, nil
}

// addUsername names the user. Where that cannot be looked up the answer goes
// without: whether the token is good does not hang on it.
func (h *Handlers) addUsername(ctx context.Context, body map[string]any, subject string) {
	if user, err := h.Users.User(ctx, subject); err == nil {
		body["username"] = user.Username
	}
}

func (h *Handlers) introspectRefresh(ctx context.Context, client store.Client, token string) (map[string]any, error) {
	presented, err := h.Refresh.Decode(token)
	if err != nil {
		return inactive(), nil //nolint:nilerr // RFC 7662 §2.2: a token that is not good is no error
	}
	family, err := h.Families.Family(ctx, presented.Family)
	if errors.Is(err, store.ErrNotFound) {
		return inactive(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up the refresh token: %w", err)
	}
	user, err := h.Users.User(ctx, family.UserID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("look up the user: %w", err)
	}
	expires := family.IdleExpiresAt
	if family.ExpiresAt.Before(expires) {
		expires = family.ExpiresAt
	}
	alive := err == nil && !user.Disabled && !family.UserNotBefore.Before(user.NotBefore) &&
		!family.ClientNotBefore.Before(client.NotBefore) &&
		family.RevokedAt.IsZero() && h.Now().Before(expires)
	if !alive || family.ClientID != client.ID || family.Generation != presented.Generation {
		return inactive(), nil
	}
	return map[string]any{
		"active":    true,
		"client_id": family.ClientID,
		"iss":       h.Issuer,
		"sub":       family.UserID,
		"username":  user.Username,
		"scope":     family.Scope.String(),
		"iat":       family.CreatedAt.Unix(),
		"exp":       expires.Unix(),
	}, nil
}

// familyVoid is the revocation of a family's access tokens.
func (h *Handlers) familyVoid(id store.FamilyID, now time.Time, reason string) store.Revocation {
	return store.Revocation{
		Kind: store.RevokedFamily, Value: hex.EncodeToString(id[:]),
		Before: store.At(now), ExpiresAt: store.At(now.Add(h.Remember)), Reason: reason,
	}
}
