package main

import (
	"time"

	"authserver/internal/admin"
	"authserver/internal/keys/keyfiles"
)

// ClientSignInFlags are what a client has for people who sign in.
type ClientSignInFlags struct {
	RedirectURI                []string       `field:"redirect_uris" group:"Sign-in" name:"redirect-uri" sep:"none" placeholder:"URI" help:"URI to which the browser returns with the code: https, http on this machine, or a private-use scheme of an app. Compared exactly. Repeats."`
	PostLogoutRedirectURI      []string       `field:"post_logout_redirect_uris" group:"Sign-in" name:"post-logout-redirect-uri" sep:"none" placeholder:"URI" help:"URI to which the browser may return after a logout. Repeats."`
	ResponseType               []string       `field:"response_types" group:"Sign-in" sep:"none" placeholder:"TYPE" help:"Response type that an authorization request may ask for; the default is code. The others are for applications from before PKCE: id_token, token, 'id_token token', 'code id_token', 'code token', 'code id_token token', none. Repeats."`
	PKCE                       *string        `group:"Sign-in" name:"pkce" placeholder:"required" help:"PKCE: required, or optional for a confidential client from before PKCE. Instead of PKCE, a confidential client may send openid and a nonce."`
	Consent                    *string        `group:"Sign-in" placeholder:"once" help:"When the server asks the user for consent: always, once, or never for an application of your own."`
	DefaultMaxAge              *time.Duration `field:"default_max_age_seconds" group:"Sign-in" placeholder:"DURATION" help:"How old a sign-in may be, unless the request says so itself. 0s removes it."`
	IDTokenAlg                 *string        `field:"id_token_signed_response_alg" group:"Sign-in" name:"id-token-alg" placeholder:"ALG" help:"Algorithm of its ID tokens. The default is RS256, and ES256 with --profile fapi2."`
	UserinfoAlg                *string        `field:"userinfo_signed_response_alg" group:"Sign-in" placeholder:"ALG" help:"Sign the answers of UserInfo with this algorithm. Empty removes it: the answers are JSON then."`
	EncryptionFile             *string        `field:"encryption_jwk" group:"Sign-in" name:"encryption-jwk-file" placeholder:"FILE" help:"JWK of a public key (RSA, P-256, P-384 or P-521) to which ID tokens, logout tokens and the answers of UserInfo are encrypted. Empty turns that off."`
	IDTokenEncryptionAlg       *string        `field:"id_token_encrypted_response_alg" group:"Sign-in" name:"id-token-encryption-alg" placeholder:"ALG" help:"Encrypt its signed ID tokens and logout tokens: RSA-OAEP-256, ECDH-ES, ECDH-ES+A128KW, ECDH-ES+A192KW or ECDH-ES+A256KW. Empty turns that off."`
	IDTokenEncryptionEnc       *string        `field:"id_token_encrypted_response_enc" group:"Sign-in" name:"id-token-encryption-enc" placeholder:"ENC" help:"Their content encryption: A128CBC-HS256 (default), A256CBC-HS512, A128GCM or A256GCM."`
	UserinfoEncryptionAlg      *string        `field:"userinfo_encrypted_response_alg" group:"Sign-in" placeholder:"ALG" help:"Encrypt the answers of UserInfo in the same way. Empty turns that off."`
	UserinfoEncryptionEnc      *string        `field:"userinfo_encrypted_response_enc" group:"Sign-in" placeholder:"ENC" help:"Their content encryption."`
	IDTokenScopeClaims         *bool          `group:"Sign-in" name:"id-token-scope-claims" negatable:"" help:"Put the claims of the scopes profile, email, address and phone into its ID tokens too, for an application that does not call UserInfo."`
	SubjectType                *string        `group:"Sign-in" placeholder:"public" help:"Type of the subject of its users: public, or pairwise, which differs between sectors."`
	SectorIdentifierURI        *string        `group:"Sign-in" name:"sector-identifier-uri" placeholder:"URL" help:"https URL whose host is that of its pairwise subjects. Empty removes it."`
	BackchannelLogoutURI       *string        `group:"Sign-in" name:"backchannel-logout-uri" placeholder:"URL" help:"URI to which the server sends logout tokens. Empty removes it."`
	FrontchannelLogoutURI      *string        `group:"Sign-in" name:"frontchannel-logout-uri" placeholder:"URL" help:"Page that the browser opens at a logout, with the scheme, host and port of a --redirect-uri. Empty removes it."`
	InitiateLoginURI           *string        `group:"Sign-in" name:"initiate-login-uri" placeholder:"URL" help:"Page of the client that begins a sign-in. Empty removes it."`
	LogoURI                    *string        `group:"Sign-in" name:"logo-uri" placeholder:"URL" help:"Logo on the pages: https or data:image/…. Empty removes it."`
	PolicyURI                  *string        `group:"Sign-in" name:"policy-uri" placeholder:"URL" help:"Its privacy policy, linked on the pages. Empty removes it."`
	TermsURI                   *string        `field:"tos_uri" group:"Sign-in" name:"terms-uri" placeholder:"URL" help:"Its terms of service, linked on the pages. Empty removes it."`
	SessionManagement          *bool          `group:"Sign-in" negatable:"" help:"Let its pages check the session in a frame (OpenID Connect Session Management 1.0)."`
	RequireSignedRequestObject *bool          `group:"Sign-in" negatable:"" help:"Accept authorization requests only as signed request objects (RFC 9101)."`
}

func (f ClientSignInFlags) input(p *process) (admin.ClientSignInInput, error) {
	key, err := p.readOrClear("--encryption-jwk-file", f.EncryptionFile, keyfiles.JWK)
	return admin.ClientSignInInput{
		RedirectURIs: list(f.RedirectURI), PostLogoutRedirectURIs: list(f.PostLogoutRedirectURI), ResponseTypes: list(f.ResponseType),
		PKCE: f.PKCE, Consent: f.Consent, BackchannelLogoutURI: f.BackchannelLogoutURI, FrontchannelLogoutURI: f.FrontchannelLogoutURI,
		IDTokenAlg: f.IDTokenAlg, UserinfoAlg: f.UserinfoAlg, EncryptionJWK: key,
		IDTokenEncryptionAlg: f.IDTokenEncryptionAlg, IDTokenEncryptionEnc: f.IDTokenEncryptionEnc,
		UserinfoEncryptionAlg: f.UserinfoEncryptionAlg, UserinfoEncryptionEnc: f.UserinfoEncryptionEnc,
		IDTokenScopeClaims: f.IDTokenScopeClaims, SubjectType: f.SubjectType, SectorIdentifierURI: f.SectorIdentifierURI,
		LogoURI: f.LogoURI, PolicyURI: f.PolicyURI, TermsURI: f.TermsURI, InitiateLoginURI: f.InitiateLoginURI,
		DefaultMaxAge: f.DefaultMaxAge, SessionManagement: f.SessionManagement, RequireSignedRequestObject: f.RequireSignedRequestObject,
	}, err
}
