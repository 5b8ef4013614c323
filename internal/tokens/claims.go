package tokens

import (
	"encoding/json"
	"slices"
	"time"

	"authserver/internal/store"
)

// registered are the registered claims of an access token (RFC 9068 §2.2). It is a struct because a
// map takes several times as long to encode.
type registered struct {
	Issuer       string         `json:"iss"`
	Subject      string         `json:"sub"`
	Audience     any            `json:"aud"`
	IssuedAt     int64          `json:"iat"`
	NotBefore    int64          `json:"nbf"`
	ExpiresAt    int64          `json:"exp"`
	ID           string         `json:"jti"`
	ClientID     string         `json:"client_id"`
	Scope        string         `json:"scope"`
	Roles        []string       `json:"roles,omitempty"`
	Permissions  []string       `json:"permissions,omitempty"`
	AuthTime     int64          `json:"auth_time,omitempty"` // RFC 9068 §2.2.1
	ACR          string         `json:"acr,omitempty"`
	AMR          []string       `json:"amr,omitempty"`
	Userinfo     []string       `json:"userinfo_claims,omitempty"`
	Act          map[string]any `json:"act,omitzero"`
	Confirmation Confirmation   `json:"cnf,omitzero"`
}

// claims makes the payload: the registered claims, and the custom claims, which cannot override
// them (RFC 8725 §3.12).
func (m *Minter) claims(now time.Time, ttl time.Duration, id string, a Access) ([]byte, error) {
	subject, err := m.Pairwise.Subject(a.Sector, a.Subject)
	if err != nil {
		return nil, err
	}
	own, err := json.Marshal(registered{
		Issuer: m.Issuer, Subject: subject, Audience: audience(a.Audience),
		IssuedAt: now.Unix(), NotBefore: now.Add(-m.Backdate).Unix(), ExpiresAt: now.Add(ttl).Unix(),
		ID: id, ClientID: a.ClientID, Scope: a.Scope.String(), Roles: a.Roles, Permissions: a.Permissions,
		AuthTime: seconds(a.AuthTime), ACR: a.ACR, AMR: a.AMR, Userinfo: a.UserinfoClaims, Act: a.Act, Confirmation: a.Confirmation,
	})
	if err != nil || len(a.Custom) == 0 {
		return own, err
	}
	custom := make(map[string]any, len(a.Custom))
	for name, value := range a.Custom {
		if !Reserved(name) {
			custom[name] = value
		}
	}
	others, err := json.Marshal(custom)
	if err != nil || len(custom) == 0 {
		return own, err
	}
	// Two objects without a common name make one.
	return append(append(others[:len(others)-1], ','), own[1:]...), nil
}

// audience is a string for one resource and an array for several (RFC 7519 §4.1.3).
func audience(resources []string) any {
	if len(resources) == 1 {
		return resources[0]
	}
	return resources
}

// Reserved reports whether only the server sets a claim, so that no custom claim may have its name.
func Reserved(claim string) bool { return slices.Contains(reservedClaims(), claim) }

func reservedClaims() []string {
	return []string{
		"iss", "sub", "aud", "exp", "nbf", "iat", "jti", // RFC 7519 §4.1
		"client_id", "scope", // RFC 9068 §2.2
		"roles", "permissions", // the user's or the client's own
		"cnf", "act", "may_act", // RFC 7800, RFC 8693
		"auth_time", "acr", "amr", "azp", "nonce", "sid", // OpenID Connect Core §2
		"at_hash", "c_hash", "s_hash", "events", // only for ID tokens and security events
		"userinfo_claims",                  // for this server itself
		"active", "username", "token_type", // RFC 7662 §2.2
	}
}

// seconds returns a moment as a claim; 0: there is none.
func seconds(moment store.Moment) int64 {
	if moment.IsZero() {
		return 0
	}
	return moment.Unix()
}
