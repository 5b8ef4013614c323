package pages

import (
	"slices"
	"time"
)

// Account is the person's own page. Its forms POST to paths below Base:
//
//	Base/profile   the fields of Profile that are editable, by name
//	Base/password  "current", "new", "again"
//	Base/session   "session": the ID of a session to end, or "all"
//	Base/app       "app": the ID of the app whose access ends
//	Base/logout    nothing
type Account struct {
	Base     string // the path of the page, such as "/account"
	Username string
	Name     string // for display; may be ""
	Profile  []ProfileField
	Sessions []AccountSession // the newest first
	Apps     []AccountApp
	// MinPassword is the minimum length of a new password in characters; 0: the password cannot be
	// changed here.
	MinPassword int
	Fault       AccountFault  // why a form was refused
	Notice      AccountNotice // the result of a form
}

// ProfileField is a claim of the person's profile (OpenID Connect Core 1.0 §5.1).
type ProfileField struct {
	Name     string // name, given_name, family_name, nickname, email, phone_number, …
	Value    string
	Editable bool
}

// AccountSession is a place where the person is signed in.
type AccountSession struct {
	ID        string
	Device    string // the header User-Agent of the sign-in
	Address   string
	CreatedAt time.Time
	SeenAt    time.Time
	Current   bool // it is the session of this page
}

// AccountApp is an app that has access.
type AccountApp struct {
	ID        string // of the client
	Client    Client
	Scopes    []Scope
	GrantedAt time.Time
}

// AccountFault is why a form of the account was refused.
type AccountFault string

// The faults of the account's forms.
const (
	PasswordWrong     AccountFault = "password-wrong"     // the current password is wrong
	PasswordShort     AccountFault = "password-short"     // shorter than MinPassword
	PasswordLong      AccountFault = "password-long"      // over 1,024 bytes
	PasswordCommon    AccountFault = "password-common"    // among the most common
	PasswordMalformed AccountFault = "password-malformed" // with characters that no password may have
	PasswordDiffers   AccountFault = "password-differs"
	PasswordSlow      AccountFault = "password-slow" // too many attempts
	ProfileInvalid    AccountFault = "profile-invalid"
)

// PasswordFaults are those of the form that changes the password.
func PasswordFaults() []AccountFault {
	return []AccountFault{PasswordWrong, PasswordShort, PasswordLong, PasswordCommon, PasswordMalformed, PasswordDiffers, PasswordSlow}
}

// AccountNotice is the result of a form of the account.
type AccountNotice string

// The notices of the account's forms.
const (
	PasswordChanged AccountNotice = "password-changed"
	ProfileSaved    AccountNotice = "profile-saved"
	SessionEnded    AccountNotice = "session-ended"
	SessionsEnded   AccountNotice = "sessions-ended"
	AppRemoved      AccountNotice = "app-removed"
)

func (Account) template() string { return "account" }

func (a Account) policy() Policy {
	p := Policy{}
	for _, app := range a.Apps {
		p.Images = append(p.Images, app.Client.policy("").Images...)
	}
	return p
}

func (a Account) needs() []need {
	needs := []need{form(a.Base + "/session"), form(a.Base + "/logout"), {"button", map[string]string{"name": "session", "value": "all"}}}
	if a.MinPassword > 0 {
		needs = append(needs, form(a.Base+"/password"),
			need{"input", map[string]string{"name": "current", "type": "password", "autocomplete": "current-password"}},
			need{"input", map[string]string{"name": "new", "type": "password", "autocomplete": "new-password"}},
			need{"input", map[string]string{"name": "again", "type": "password", "autocomplete": "new-password"}},
		)
	}
	if a.Fault != "" {
		needs = append(needs, need{"", map[string]string{"id": "error"}})
	}
	for _, session := range a.Sessions {
		if !session.Current {
			needs = append(needs, need{"button", map[string]string{"name": "session", "value": session.ID}})
		}
	}
	for _, app := range a.Apps {
		needs = append(needs, form(a.Base+"/app"), need{"button", map[string]string{"name": "app", "value": app.ID}})
	}
	for _, profile := range a.Profile {
		if profile.Editable {
			needs = append(needs, form(a.Base+"/profile"), field(profile.Name))
		}
	}
	return needs
}

// Editable reports whether there is a field to save.
func (a Account) Editable() bool {
	return slices.ContainsFunc(a.Profile, func(f ProfileField) bool { return f.Editable })
}

// NewRefused reports whether the fault is in the new password.
func (a Account) NewRefused() bool {
	return slices.Contains([]AccountFault{PasswordShort, PasswordLong, PasswordCommon, PasswordMalformed, PasswordDiffers}, a.Fault)
}

// Autocomplete is the token of HTML for a claim; "": there is none.
func (f ProfileField) Autocomplete() string {
	return map[string]string{
		"name": "name", "given_name": "given-name", "middle_name": "additional-name", "family_name": "family-name", "nickname": "nickname",
		"email": "email", "phone_number": "tel", "website": "url", "birthdate": "bday",
	}[f.Name]
}

// profileNames are the claims that the languages have a label for.
func profileNames() []string {
	return []string{
		"name", "given_name", "middle_name", "family_name", "nickname", "preferred_username", "email", "phone_number", "address",
		"birthdate", "gender", "website", "profile", "picture", "locale", "zoneinfo",
	}
}
