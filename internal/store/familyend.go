package store

import "errors"

// Ended returns when and why a family ended, from its present user and the NotBefore of its client.
// The zero Moment: it has not ended.
func (f Family) Ended(u User, clientNotBefore Moment) (at Moment, reason string) {
	switch {
	case !f.Void(u, clientNotBefore):
		return Moment{}, ""
	case !f.RevokedAt.IsZero():
		return f.RevokedAt, f.RevokedReason
	case u.Disabled, f.UserNotBefore.Before(u.NotBefore):
		return u.NotBefore, EndedWithUser
	}
	return At(clientNotBefore), EndedWithClient
}

// FamilyPage is a listing of families: at most Limit (1 to MaxPage) whose ID sorts after After, of
// a user, a client, a session, or all of these that are set. At least one has to be.
type FamilyPage struct {
	UserID, ClientID string
	SessionID        SessionID
	After            FamilyID
	Limit            int
}

// Check returns an error if the listing has no limit, or would read every family.
func (p FamilyPage) Check() error {
	if p.UserID == "" && p.ClientID == "" && p.SessionID.IsZero() {
		return errors.New("a listing of families has to name a user, a client or a session")
	}
	return Page{Limit: p.Limit}.Check()
}
