package handlers

import (
	"errors"
	"net/http"

	"authserver/internal/oauth"
	"authserver/internal/pages"
	"authserver/internal/sessions"
	"authserver/internal/store"
	"authserver/internal/telemetry"
	"authserver/internal/web"
)

// ownClaims are the claims that people may change themselves: their names. Only the operator
// changes the email address and the telephone number, because they were verified.
func ownClaims(u *store.User) []claim {
	return []claim{
		{"name", &u.Profile.Name}, {"given_name", &u.Profile.GivenName}, {"family_name", &u.Profile.FamilyName}, {"nickname", &u.Profile.Nickname},
	}
}

// claim is one of a user's (OpenID Connect Core §5.1).
type claim struct {
	name  string
	value *string
}

// profileOf are the claims that apps may see.
func profileOf(u store.User) []pages.ProfileField {
	var fields []pages.ProfileField
	for _, c := range ownClaims(&u) {
		fields = append(fields, pages.ProfileField{Name: c.name, Value: *c.value, Editable: true})
	}
	for _, field := range []pages.ProfileField{{Name: "email", Value: u.Email}, {Name: "phone_number", Value: u.Profile.PhoneNumber}} {
		if field.Value != "" {
			fields = append(fields, field)
		}
	}
	return fields
}

// changeProfile changes the names of a person. It removes a claim that is empty or missing in the
// form.
func (e *Account) changeProfile(_ http.ResponseWriter, r *http.Request, _ *web.RequestInfo, p *sessions.Person, form oauth.Form) (pages.AccountFault, error) {
	for {
		user, err := e.Store.User(r.Context(), p.User.ID)
		if err != nil {
			return "", err
		}
		for _, c := range ownClaims(&user) {
			value := form.Get(c.name)
			if len(value) > store.MaxLine || !store.IsLine(value) {
				return pages.ProfileInvalid, nil
			}
			*c.value = value
		}
		now := store.At(e.Now())
		user.UpdatedAt = now
		err = e.Store.UpdateUser(r.Context(), user, store.Change{Actor: p.Actor(), Event: store.UserUpdated, At: now, RequestID: telemetry.RequestID(r.Context())})
		if !errors.Is(err, store.ErrConflict) {
			return "", err
		}
		// Another change came first: this one is applied to its result.
	}
}
