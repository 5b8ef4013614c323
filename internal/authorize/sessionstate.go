package authorize

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"authserver/internal/store"
)

// sessionState is the parameter "session_state" of an answer, with which pages of the client check
// whether the session still exists (OpenID Connect Session Management 1.0 §2). "": the client is
// not registered for it, or its redirect URI has no web origin.
func (a *Authorizer) sessionState(s PromptInput) (string, error) {
	origin := store.Origin(s.redirectURI)
	if !s.Client.SessionManagement || !s.Grantable.Scope.Has("openid") || origin == "" {
		return "", nil
	}
	var random [16]byte
	if _, err := io.ReadFull(a.Rand, random[:]); err != nil {
		return "", fmt.Errorf("make the salt of a session state: %w", err)
	}
	salt := base64.RawURLEncoding.EncodeToString(random[:])
	sum := sha256.Sum256([]byte(strings.Join([]string{s.Client.ID, origin, s.Person.BrowserState(), salt}, " ")))
	return base64.RawURLEncoding.EncodeToString(sum[:]) + "." + salt, nil
}
