package store

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLine bounds a text on one line, such as a name, in bytes.
const MaxLine = 255

// IsLine reports whether a text can be shown on one line: it is valid UTF-8 without control
// characters.
func IsLine(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// UserProfile has the standard claims about a user (OIDC Core §5.1) in addition to those of [User]:
// sub is the ID, email is Email, and updated_at is UpdatedAt. An empty member is unknown. Access
// tokens have none of them.
type UserProfile struct {
	Name                string  `json:"name,omitempty"`
	GivenName           string  `json:"given_name,omitempty"`
	FamilyName          string  `json:"family_name,omitempty"`
	MiddleName          string  `json:"middle_name,omitempty"`
	Nickname            string  `json:"nickname,omitempty"`
	PreferredUsername   string  `json:"preferred_username,omitempty"` // "": the Username
	Profile             string  `json:"profile,omitempty"`            // URL
	Picture             string  `json:"picture,omitempty"`            // URL
	Website             string  `json:"website,omitempty"`            // URL
	EmailVerified       bool    `json:"email_verified,omitempty"`
	Gender              string  `json:"gender,omitempty"`
	Birthdate           string  `json:"birthdate,omitempty"` // YYYY-MM-DD, 0000-MM-DD or YYYY
	Zoneinfo            string  `json:"zoneinfo,omitempty"`  // such as "Europe/Paris"
	Locale              string  `json:"locale,omitempty"`    // BCP 47, such as "en-US"
	PhoneNumber         string  `json:"phone_number,omitempty"`
	PhoneNumberVerified bool    `json:"phone_number_verified,omitempty"`
	Address             Address `json:"address,omitzero"`
}

// Address is the claim "address" (OIDC Core §5.1.1).
type Address struct {
	Formatted     string `json:"formatted,omitempty"`
	StreetAddress string `json:"street_address,omitempty"`
	Locality      string `json:"locality,omitempty"`
	Region        string `json:"region,omitempty"`
	PostalCode    string `json:"postal_code,omitempty"`
	Country       string `json:"country,omitempty"`
}
