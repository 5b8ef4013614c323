package authorize

import (
	"slices"

	"authserver/internal/oauth"
	"authserver/internal/sessions"
)

// StepUpPrompt wants a sign-in of an authentication context class that the client cannot do
// without (OpenID Connect Core §5.5.1.1, RFC 9470 §4). What acr_values asks for is
// voluntary: the ID token says what was reached.
type StepUpPrompt struct{}

// Needs implements [Prompt].
func (StepUpPrompt) Needs(s PromptInput) *Need {
	wanted := s.Request.Claims.ACR
	if !s.Request.Claims.Essential || len(wanted) == 0 || slices.Contains(wanted, s.Person.ACR()) {
		return nil
	}
	unmet := oauth.Fail(oauth.UnmetAuthenticationRequired, "acr_unmet", "the person cannot sign in here in the way that the request demands by acr")
	if slices.ContainsFunc(wanted, func(acr string) bool { return slices.Contains(sessions.ACRs(), acr) }) {
		return &Need{LoginPage, unmet}
	}
	return &Need{Refusal: unmet}
}
