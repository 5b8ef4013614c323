package admin

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"authserver/internal/keys"
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// ClientSignIn has the members of a client for sign-in. They are left out if no user can sign in to
// the client.
type ClientSignIn struct {
	RedirectURIs           []string `json:"redirect_uris,omitempty"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	ResponseTypes          []string `json:"response_types,omitempty"`
	PKCE                   string   `json:"pkce,omitempty"`    // "required" or "optional"
	Consent                string   `json:"consent,omitempty"` // "always", "once" or "never"
	BackchannelLogoutURI   string   `json:"backchannel_logout_uri,omitempty"`
	FrontchannelLogoutURI  string   `json:"frontchannel_logout_uri,omitempty"`
	IDTokenAlg             string   `json:"id_token_signed_response_alg,omitempty"`
	UserinfoAlg            string   `json:"userinfo_signed_response_alg,omitempty"` // left out: JSON
	// EncryptionJWK is the public key to which ID tokens, logout tokens and UserInfo are encrypted.
	EncryptionJWK              json.RawMessage `json:"encryption_jwk,omitempty"`
	IDTokenEncryptionAlg       string          `json:"id_token_encrypted_response_alg,omitempty"` // of ID tokens and logout tokens
	IDTokenEncryptionEnc       string          `json:"id_token_encrypted_response_enc,omitempty"`
	UserinfoEncryptionAlg      string          `json:"userinfo_encrypted_response_alg,omitempty"`
	UserinfoEncryptionEnc      string          `json:"userinfo_encrypted_response_enc,omitempty"`
	IDTokenScopeClaims         bool            `json:"id_token_scope_claims,omitempty"`
	SubjectType                string          `json:"subject_type,omitempty"`
	SectorIdentifierURI        string          `json:"sector_identifier_uri,omitempty"`
	LogoURI                    string          `json:"logo_uri,omitempty"`
	PolicyURI                  string          `json:"policy_uri,omitempty"`
	TermsURI                   string          `json:"tos_uri,omitempty"`
	InitiateLoginURI           string          `json:"initiate_login_uri,omitempty"`
	DefaultMaxAge              int64           `json:"default_max_age_seconds,omitempty"`
	SessionManagement          bool            `json:"session_management,omitempty"`
	RequireSignedRequestObject bool            `json:"require_signed_request_object,omitempty"`
}

// ClientSignInInput has the fields that the administrator chooses. A nil field keeps the value; an
// empty list or text removes it.
type ClientSignInInput struct {
	RedirectURIs               []string        `field:"redirect_uris"`
	PostLogoutRedirectURIs     []string        `field:"post_logout_redirect_uris"`
	ResponseTypes              []string        `field:"response_types"` // empty: "code" alone
	PKCE                       *string         `field:"pkce"`
	Consent                    *string         `field:"consent"`
	BackchannelLogoutURI       *string         `field:"backchannel_logout_uri"`
	FrontchannelLogoutURI      *string         `field:"frontchannel_logout_uri"`
	IDTokenAlg                 *string         `field:"id_token_signed_response_alg"`    // "": see [store.Client.IDTokenAlgorithm]
	UserinfoAlg                *string         `field:"userinfo_signed_response_alg"`    // "": JSON that is not signed
	EncryptionJWK              json.RawMessage `field:"encryption_jwk"`                  // a public key; empty, and not nil: encrypt no longer
	IDTokenEncryptionAlg       *string         `field:"id_token_encrypted_response_alg"` // RFC 7518 §4.1; "": sign alone
	IDTokenEncryptionEnc       *string         `field:"id_token_encrypted_response_enc"` // RFC 7518 §5.1; the default is A128CBC-HS256
	UserinfoEncryptionAlg      *string         `field:"userinfo_encrypted_response_alg"`
	UserinfoEncryptionEnc      *string         `field:"userinfo_encrypted_response_enc"`
	IDTokenScopeClaims         *bool           `field:"id_token_scope_claims"` // in addition to userinfo
	SubjectType                *string         `field:"subject_type"`
	SectorIdentifierURI        *string         `field:"sector_identifier_uri"`
	LogoURI                    *string         `field:"logo_uri"` // https, or data:image/…;base64,…
	PolicyURI                  *string         `field:"policy_uri"`
	TermsURI                   *string         `field:"tos_uri"`
	InitiateLoginURI           *string         `field:"initiate_login_uri"`
	DefaultMaxAge              *time.Duration  `field:"default_max_age_seconds"` // 0: none
	SessionManagement          *bool           `field:"session_management"`
	RequireSignedRequestObject *bool           `field:"require_signed_request_object"`
}

// The values of ClientSignIn.PKCE (RFC 7636).
const (
	PKCERequired = "required"
	PKCEOptional = "optional"
)

// setSignIn sets the given fields.
func setSignIn(f *form, c *store.Client, in ClientSignInInput) {
	f.setRedirectURIs("redirect_uris", &c.RedirectURIs, in.RedirectURIs)
	f.setRedirectURIs("post_logout_redirect_uris", &c.PostLogoutRedirectURIs, in.PostLogoutRedirectURIs)
	setKnown(f, "response_types", &c.ResponseTypes, responseTypes(in.ResponseTypes), store.ResponseTypes())
	pkce := pkceOf(*c)
	setOne(f, "pkce", &pkce, in.PKCE, []string{PKCERequired, PKCEOptional})
	c.PKCEOptional = pkce == PKCEOptional
	setOne(f, "consent", &c.Consent, (*store.ConsentRule)(in.Consent), []store.ConsentRule{store.ConsentAlways, store.ConsentOnce, store.ConsentNever})
	f.setLink("backchannel_logout_uri", &c.BackchannelLogoutURI, in.BackchannelLogoutURI)
	f.setLink("frontchannel_logout_uri", &c.FrontchannelLogoutURI, in.FrontchannelLogoutURI)
	setOptional(f, "id_token_signed_response_alg", &c.IDTokenAlg, in.IDTokenAlg, keys.Algorithms())
	setOptional(f, "userinfo_signed_response_alg", &c.UserinfoAlg, in.UserinfoAlg, keys.Algorithms())
	setClientEncryption(f, c, in)
	set(&c.IDTokenScopeClaims, in.IDTokenScopeClaims)
	setOne(f, "subject_type", &c.SubjectType, (*store.SubjectType)(in.SubjectType), []store.SubjectType{store.SubjectPublic, store.SubjectPairwise})
	f.setLink("sector_identifier_uri", &c.SectorIdentifierURI, in.SectorIdentifierURI)
	f.setLogo(&c.LogoURI, in.LogoURI)
	f.setLink("policy_uri", &c.PolicyURI, in.PolicyURI)
	f.setLink("tos_uri", &c.TermsURI, in.TermsURI)
	f.setLink("initiate_login_uri", &c.InitiateLoginURI, in.InitiateLoginURI)
	if in.DefaultMaxAge != nil && *in.DefaultMaxAge == 0 {
		c.DefaultMaxAge = 0
	} else {
		f.setTTL("default_max_age_seconds", &c.DefaultMaxAge, in.DefaultMaxAge)
	}
	set(&c.SessionManagement, in.SessionManagement)
	set(&c.RequireSignedRequestObject, in.RequireSignedRequestObject)
}

// responseTypes are response types with their words in stored order: a request may have them in any
// order (RFC 6749 §3.1.1).
func responseTypes(values []string) []store.ResponseType {
	if values == nil {
		return nil
	}
	ordered := make([]store.ResponseType, len(values))
	for n, value := range values {
		ordered[n] = store.ResponseType(value)
		for _, known := range store.ResponseTypes() {
			if sameWords(value, string(known)) {
				ordered[n] = known
			}
		}
	}
	return ordered
}

func hasWord(list, word string) bool { return slices.Contains(strings.Fields(list), word) }

func sameWords(a, b string) bool {
	return slices.Equal(slices.Sorted(slices.Values(strings.Fields(a))), slices.Sorted(slices.Values(strings.Fields(b))))
}

// checkSignIn refuses fields that do not go together.
func checkSignIn(f *form, c store.Client) {
	asksCode, asksElse := false, false // response types
	for _, t := range store.ResponseTypes() {
		if c.MayRespond(t) && (c.ResponseTypes != nil || c.May(oauth.AuthorizationCode)) {
			if hasWord(string(t), "code") {
				asksCode = true
			} else {
				asksElse = true
			}
		}
	}
	if (c.May(oauth.AuthorizationCode) || asksElse) && len(c.RedirectURIs) == 0 {
		f.fault("redirect_uris", CodeRequired, "the server has to send the browser back to the client: give %v, as https://app.example.com/callback", Field("redirect_uris"))
	}
	if asksCode && !c.May(oauth.AuthorizationCode) {
		f.fault("response_types", CodeConflict, "a code is exchanged by the grant authorization_code: add it to %v", Field("grants"))
	}
	if (c.DPoPBound || c.TLSBound) && slices.ContainsFunc(c.ResponseTypes, func(t store.ResponseType) bool { return hasWord(string(t), "token") }) {
		f.fault("response_types", CodeConflict, "access tokens that pass through a browser cannot be bound, and those of this client always are: leave out those with token, or see %v and %v", Field("dpop_bound"), Field("tls_bound"))
	}
	if c.PKCEOptional && c.Public() { // RFC 9700 §2.1.1
		f.fault("pkce", CodeConflict, "a public client always needs PKCE, which alone protects its codes (RFC 9700 section 2.1.1): leave it required")
	}
	if c.FrontchannelLogoutURI != "" && !sameOrigin(c.FrontchannelLogoutURI, c.RedirectURIs) { // Front-Channel Logout 1.0 §2
		f.fault("frontchannel_logout_uri", CodeConflict, "it has to have the scheme, host and port of one of %v", Field("redirect_uris"))
	}
	if c.SessionManagement && !slices.ContainsFunc(c.RedirectURIs, func(uri string) bool { return store.Origin(uri) != "" }) {
		f.fault("session_management", CodeConflict, "it is for pages in a browser: give %v of https too", Field("redirect_uris"))
	}
	if c.SubjectType == store.SubjectPairwise && len(c.Sectors()) > 1 { // OIDC Core §8.1
		f.fault("subject_type", CodeConflict, "pairwise with %v of several hosts needs a sector: give %v", Field("redirect_uris"), Field("sector_identifier_uri"))
	}
	if c.RequireSignedRequestObject && c.JWKS == nil && c.JWKSURI == "" && c.Certificates == nil && !signs(c) {
		f.fault("require_signed_request_object", CodeConflict, "the client has no key to sign with: give %v", []Field{"jwks", "jwks_uri", "certificates"})
	}
	if c.Profile == store.ProfileFAPI2 && (c.PKCEOptional || asksElse || slices.ContainsFunc(c.ResponseTypes, func(t store.ResponseType) bool { return t != store.ResponseCode })) {
		f.fault("profile", CodeConflict, "with fapi2 a client asks for a code alone, with PKCE: see %v and %v (FAPI 2.0 section 5.3.2.2)", Field("response_types"), Field("pkce"))
	}
}

// wantKey refuses an algorithm with which the server cannot sign yet: a sign-in would fail.
func (cs *Clients) wantKey(ctx context.Context, f *form, field Field, alg *string) {
	if alg != nil && slices.Contains(keys.Algorithms(), *alg) {
		f.wantKey(ctx, cs.Keys, cs.Now, field, *alg)
	}
}

// signInWarnings warn of values without an effect.
func (cs *Clients) signInWarnings(c store.Client) []Fault {
	var warnings []Fault
	if strings.HasPrefix(c.BackchannelLogoutURI, "http:") && !cs.LocalHTTP {
		warnings = append(warnings, newFault("backchannel_logout_uri", CodeUnused, "it is not used: a server whose own address has https sends logout tokens to https alone"))
	}
	if len(c.RedirectURIs) > 0 && !c.May(oauth.AuthorizationCode) && c.ResponseTypes == nil {
		warnings = append(warnings, newFault("redirect_uris", CodeUnused, "they are not used: add authorization_code to %v", Field("grants")))
	}
	if c.SectorIdentifierURI != "" && c.SubjectType != store.SubjectPairwise {
		warnings = append(warnings, newFault("sector_identifier_uri", CodeUnused, "it is not used: %v is not pairwise", Field("subject_type")))
	}
	if c.EncryptionJWK != nil && c.IDTokenEncryptionAlg == "" && c.UserinfoEncryptionAlg == "" {
		warnings = append(warnings, newFault("encryption_jwk", CodeUnused, "it is not used: give %v, %v or both", Field("id_token_encrypted_response_alg"), Field("userinfo_encrypted_response_alg")))
	}
	return warnings
}

func pkceOf(c store.Client) string {
	if c.PKCEOptional {
		return PKCEOptional
	}
	return PKCERequired
}

func viewSignIn(c store.Client) ClientSignIn {
	if len(c.RedirectURIs) == 0 && len(c.PostLogoutRedirectURIs) == 0 && !c.May(oauth.AuthorizationCode) {
		return ClientSignIn{}
	}
	responds := texts(c.ResponseTypes)
	if len(responds) == 0 {
		responds = []string{string(store.ResponseCode)}
	}
	view := ClientSignIn{
		RedirectURIs: c.RedirectURIs, PostLogoutRedirectURIs: c.PostLogoutRedirectURIs, ResponseTypes: responds,
		PKCE: pkceOf(c), Consent: string(c.ConsentRule()), BackchannelLogoutURI: c.BackchannelLogoutURI, FrontchannelLogoutURI: c.FrontchannelLogoutURI,
		IDTokenAlg: c.IDTokenAlgorithm(), UserinfoAlg: c.UserinfoAlg, EncryptionJWK: c.EncryptionJWK,
		IDTokenEncryptionAlg: c.IDTokenEncryptionAlg, IDTokenEncryptionEnc: c.IDTokenEncryptionEnc,
		UserinfoEncryptionAlg: c.UserinfoEncryptionAlg, UserinfoEncryptionEnc: c.UserinfoEncryptionEnc,
		IDTokenScopeClaims: c.IDTokenScopeClaims, SubjectType: string(c.SubjectType), SectorIdentifierURI: c.SectorIdentifierURI,
		LogoURI: c.LogoURI, PolicyURI: c.PolicyURI, TermsURI: c.TermsURI, InitiateLoginURI: c.InitiateLoginURI,
		DefaultMaxAge: seconds(c.DefaultMaxAge), SessionManagement: c.SessionManagement, RequireSignedRequestObject: c.RequireSignedRequestObject,
	}
	if view.SubjectType == "" {
		view.SubjectType = string(store.SubjectPublic)
	}
	return view
}
