package tokens

import (
	"time"

	"authserver/internal/store"
)

// About has what the log says about a token in a request, as far as it is known.
type About struct {
	ID         string // "jti"
	Subject    string
	Username   string // of the subject, if that is a user of this server
	Family     store.FamilyID
	RevokedAt  time.Time // when the family was revoked, and why
	Revocation string
	Reason     string // why the token is not active: a stable slug; "": it is
}

// About describes the token of the claims.
func (c Claims) About() About {
	return About{Subject: c.Subject, ID: c.ID, Family: c.Parsed.Family}
}

// because is About of a token that is not active for a reason.
func (a About) because(reason string) About {
	a.Reason = reason
	return a
}
