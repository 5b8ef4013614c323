package tokens

import (
	"time"

	"authserver/internal/store"
)

// About has what the log says about a token in a request, as far as it is known.
type About struct {
	Subject    string
	Username   string // of the subject
	ID         string // "jti"
	Family     string // in hex
	RevokedAt  time.Time
	Revocation string // why the family was revoked
	Reason     string // why the token is not active: a stable slug; "": it is
}

// About describes the token of the claims.
func (c Claims) About() About {
	return About{Subject: c.Subject, ID: c.ID, Family: familyText(c.Parsed.Family)}
}

// because is About of a token that is not active for a reason.
func (a About) because(reason string) About {
	a.Reason = reason
	return a
}

// familyText is the family in hex; "": there is none.
func familyText(id store.FamilyID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}
