package store

import (
	"net/url"
	"slices"
)

// ResponseType is a response_type of an authorization request (RFC 6749 §3.1.1), its words
// in the order in which OAuth 2.0 Multiple Response Type Encoding Practices has them.
type ResponseType string

// The response types. All but the first are for applications from before PKCE.
const (
	ResponseCode             ResponseType = "code"
	ResponseIDToken          ResponseType = "id_token"
	ResponseToken            ResponseType = "token"
	ResponseIDTokenToken     ResponseType = "id_token token"
	ResponseCodeIDToken      ResponseType = "code id_token"
	ResponseCodeToken        ResponseType = "code token"
	ResponseCodeIDTokenToken ResponseType = "code id_token token"
	ResponseNone             ResponseType = "none"
)

// ResponseTypes returns every response type.
func ResponseTypes() []ResponseType {
	return []ResponseType{
		ResponseCode, ResponseIDToken, ResponseToken, ResponseIDTokenToken,
		ResponseCodeIDToken, ResponseCodeToken, ResponseCodeIDTokenToken, ResponseNone,
	}
}

// ConsentRule says when the server asks a user for consent to a client.
type ConsentRule string

// The rules.
const (
	ConsentAlways ConsentRule = "always" // each time
	ConsentOnce   ConsentRule = "once"   // if it asks for more than the user has consented to
	ConsentNever  ConsentRule = "never"  // it is the operator's own
)

// SubjectType is the type of the subject that a client gets for a user (OIDC Core §8).
type SubjectType string

// The subject types.
const (
	SubjectPublic   SubjectType = "public"   // the user's ID, the same for every client
	SubjectPairwise SubjectType = "pairwise" // another one for each sector
)

// MayRespond reports whether the client is registered for the response type.
func (c Client) MayRespond(t ResponseType) bool {
	if c.ResponseTypes == nil {
		return t == ResponseCode
	}
	return slices.Contains(c.ResponseTypes, t)
}

// ConsentRule returns the rule for consent, with the default.
func (c Client) ConsentRule() ConsentRule {
	if c.Consent == "" {
		return ConsentOnce
	}
	return c.Consent
}

// Sectors returns the sectors of the client, each once: those of its pairwise subjects (OIDC
// Core §8.1). A client with SectorIdentifierURI has one.
func (c Client) Sectors() []string {
	uris := c.RedirectURIs
	if c.SectorIdentifierURI != "" {
		uris = []string{c.SectorIdentifierURI}
	}
	var sectors []string
	for _, uri := range uris {
		if u, err := url.Parse(uri); err == nil {
			sector := u.Hostname()
			if u.Scheme != "https" && u.Scheme != "http" { // a private-use scheme is the app's own (RFC 8252 §7.1)
				sector = u.Scheme + ":"
			}
			if !slices.Contains(sectors, sector) {
				sectors = append(sectors, sector)
			}
		}
	}
	return sectors
}

// PairwiseSector returns the sector of the client's pairwise subjects; "": it gets the users' IDs.
// A client without a redirect URI is a sector of its own.
func (c Client) PairwiseSector() string {
	if c.SubjectType != SubjectPairwise {
		return ""
	}
	if sectors := c.Sectors(); len(sectors) > 0 {
		return sectors[0]
	}
	return "client:" + c.ID
}
