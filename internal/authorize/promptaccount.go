package authorize

import (
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// AccountPrompt lets the person choose an account.
type AccountPrompt struct{}

// Needs implements [Prompt].
func (AccountPrompt) Needs(s PromptInput) *Need {
	chosen := s.Person.Session.ID.String() == s.Continuation.Chosen || s.signedInSince(s.Continuation.Began)
	if !s.Request.asks("select_account") || chosen {
		return nil
	}
	return &Need{AccountsPage, oauth.Fail(oauth.AccountSelectionRequired, "account_selection_required", "the person has to choose an account")}
}

// ChooseAccount continues with the account of a session.
func (f Flow) ChooseAccount(session store.SessionID) Continuation {
	c := f.Continuation
	c.Chosen = session.String()
	return c
}

// SwitchAccount continues with another account than the one that is signed in.
func (f Flow) SwitchAccount(now store.Moment) Continuation {
	c := f.Continuation
	c.LoginAfter, c.Chosen, c.Username, c.Fault = now, "", "", ""
	return c
}
