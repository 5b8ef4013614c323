package admin

import (
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"authserver/internal/store"
)

// UserProfileInput has the standard claims of a user (OIDC Core §5.1) that the administrator
// chooses. A nil field keeps the value; an empty one removes it.
type UserProfileInput struct {
	Name                *string `field:"name"`
	GivenName           *string `field:"given_name"`
	FamilyName          *string `field:"family_name"`
	MiddleName          *string `field:"middle_name"`
	Nickname            *string `field:"nickname"`
	PreferredUsername   *string `field:"preferred_username"` // "": the username
	ProfilePage         *string `field:"profile"`
	Picture             *string `field:"picture"`
	Website             *string `field:"website"`
	EmailVerified       *bool   `field:"email_verified"` // nil, with another Email: false
	Gender              *string `field:"gender"`
	Birthdate           *string `field:"birthdate"`
	Zoneinfo            *string `field:"zoneinfo"`
	Locale              *string `field:"locale"`
	PhoneNumber         *string `field:"phone_number"`
	PhoneNumberVerified *bool   `field:"phone_number_verified"` // nil, with another PhoneNumber: false
	Address             *string `field:"address"`               // as on a letter
	StreetAddress       *string `field:"street_address"`
	Locality            *string `field:"locality"`
	Region              *string `field:"region"`
	PostalCode          *string `field:"postal_code"`
	Country             *string `field:"country"`
}

// setProfile sets the given fields. before is the user before the change: a new address or number
// is not verified.
func setProfile(f *form, u *store.User, before store.User, in UserProfileInput) {
	p := &u.Profile
	for _, line := range []struct {
		field Field
		to    *string
		value *string
	}{
		{"name", &p.Name, in.Name},
		{"given_name", &p.GivenName, in.GivenName},
		{"family_name", &p.FamilyName, in.FamilyName},
		{"middle_name", &p.MiddleName, in.MiddleName},
		{"nickname", &p.Nickname, in.Nickname},
		{"preferred_username", &p.PreferredUsername, in.PreferredUsername},
		{"gender", &p.Gender, in.Gender},
		{"street_address", &p.Address.StreetAddress, in.StreetAddress},
		{"locality", &p.Address.Locality, in.Locality},
		{"region", &p.Address.Region, in.Region},
		{"postal_code", &p.Address.PostalCode, in.PostalCode},
		{"country", &p.Address.Country, in.Country},
	} {
		f.setText(line.field, line.to, line.value, maxText)
	}
	f.setLines("address", &p.Address.Formatted, in.Address)
	f.setPage("profile", &p.Profile, in.ProfilePage)
	f.setPage("picture", &p.Picture, in.Picture)
	f.setPage("website", &p.Website, in.Website)
	f.setShaped("birthdate", &p.Birthdate, in.Birthdate, isBirthdate, "a birthdate is YYYY-MM-DD, YYYY alone, or 0000-MM-DD where the year is not known")
	f.setShaped("zoneinfo", &p.Zoneinfo, in.Zoneinfo, isZone, "a time zone is a name of the IANA database, such as Europe/Paris")
	f.setShaped("locale", &p.Locale, in.Locale, isLocale, "a locale is a language tag (BCP 47), such as en-US")
	f.setShaped("phone_number", &p.PhoneNumber, in.PhoneNumber, isPhone, "a phone number begins with + and the code of the country (E.164), such as +1 (425) 555-1212")
	if u.Email != before.Email {
		p.EmailVerified = false
	}
	if p.PhoneNumber != before.Profile.PhoneNumber {
		p.PhoneNumberVerified = false
	}
	set(&p.EmailVerified, in.EmailVerified)
	set(&p.PhoneNumberVerified, in.PhoneNumberVerified)
	if p.EmailVerified && u.Email == "" {
		f.fault("email_verified", CodeConflict, "the user has no %v to verify", Field("email"))
	}
	if p.PhoneNumberVerified && p.PhoneNumber == "" {
		f.fault("phone_number_verified", CodeConflict, "the user has no %v to verify", Field("phone_number"))
	}
}

// setLines is setText for a text of several lines.
func (f *form) setLines(field Field, to, value *string) {
	switch {
	case value == nil:
	case len(*value) > 4*maxText:
		f.fault(field, CodeTooLong, "it is longer than %d bytes", 4*maxText)
	case !utf8.ValidString(*value) || strings.ContainsFunc(*value, func(r rune) bool { return r != '\n' && r != '\r' && unicode.IsControl(r) }):
		f.fault(field, CodeInvalid, "it contains control characters or is not valid UTF-8")
	default:
		*to = *value
	}
}

// setPage sets the URL of a page or a picture.
func (f *form) setPage(field Field, to, value *string) {
	if value == nil || *value == "" {
		set(to, value)
		return
	}
	u, ok := f.checkURI(field, *value)
	if ok && u.Scheme != "https" && u.Scheme != "http" {
		f.fault(field, CodeInvalid, "%q is neither https nor http", *value)
		return
	}
	if ok {
		*to = *value
	}
}

// setShaped sets a text of a certain form.
func (f *form) setShaped(field Field, to, value *string, is func(string) bool, wanted string) {
	switch {
	case value == nil:
	case *value == "":
		*to = ""
	case len(*value) > maxText || !is(*value):
		f.fault(field, CodeInvalid, "%q: %s", *value, wanted)
	default:
		*to = *value
	}
}

func isBirthdate(s string) bool {
	if regexp.MustCompile(`^[0-9]{4}$`).MatchString(s) {
		return true
	}
	unknown, date := strings.CutPrefix(s, "0000-")
	if date {
		s = "2000-" + unknown // a leap year
	}
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

func isZone(s string) bool {
	return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$`).MatchString(s)
}

func isLocale(s string) bool {
	_, err := language.Parse(s)
	return err == nil
}

func isPhone(s string) bool {
	return regexp.MustCompile(`^\+[0-9][0-9 ().-]{3,30}(;ext=[0-9]{1,10})?$`).MatchString(s)
}
