package authorize

import (
	"encoding/hex"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// Account lets the person choose with which account to go on.
type Account struct{}

// Needs implements [Prompt].
func (Account) Needs(s State) *Need {
	chosen := hex.EncodeToString(s.Person.Session.ID[:]) == s.Continuation.Chosen || s.signedInSince(s.Continuation.Began)
	if !s.Request.asks("select_account") || chosen {
		return nil
	}
	return &Need{AccountsPage, oauth.Fail(oauth.AccountSelectionRequired, "account_selection_required", "the person has to choose an account")}
}

// Choose goes on with the account of a session.
func (f Flow) Choose(session store.SessionID) Continuation {
	c := f.Continuation
	c.Chosen = hex.EncodeToString(session[:])
	return c
}

// Another goes on with another account than the one that is signed in.
func (f Flow) Another(now store.Moment) Continuation {
	c := f.Continuation
	c.LoginAfter, c.Chosen, c.Username, c.Fault = now, "", "", ""
	return c
}
