package authorize

import (
	"slices"

	"authserver/internal/oauth"
	"authserver/internal/sessions"
)

// StepUpPrompt demands a sign-in with an essential authentication context class (OpenID Connect
// Core §5.5.1.1, RFC 9470 §4). The values of acr_values are voluntary: the ID token says which one
// was reached.
type StepUpPrompt struct{}

// Needs implements [Prompt].
func (StepUpPrompt) Needs(s PromptInput) *Need {
	wanted := s.Request.Claims.ACR
	if !s.Request.Claims.Essential || len(wanted) == 0 || slices.Contains(wanted, s.Person.ACR()) {
		return nil
	}
	unmet := oauth.Fail(oauth.UnmetAuthenticationRequired, "acr_unmet", "no sign-in at this server reaches the acr that the request demands")
	if slices.ContainsFunc(wanted, func(acr string) bool { return slices.Contains(sessions.ACRs(), acr) }) {
		return &Need{LoginPage, unmet}
	}
	return &Need{Refusal: unmet}
}
