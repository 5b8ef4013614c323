package handlers

import (
	"net/http"
	"slices"

	"authserver/internal/authorize"
	"authserver/internal/clientauth"
	"authserver/internal/grants"
	"authserver/internal/keys"
	"authserver/internal/oauth"
	"authserver/internal/oidc"
	"authserver/internal/sessions"
	"authserver/internal/store"
	"authserver/internal/trust/dpop"
	"authserver/internal/web"
)

// metadataBody is the document of RFC 8414 §2 and of OpenID Connect Discovery §3, with the members
// that apply to this server.
type metadataBody struct {
	Issuer                   string   `json:"issuer"`
	AuthorizationEndpoint    string   `json:"authorization_endpoint"`
	PushEndpoint             string   `json:"pushed_authorization_request_endpoint"` // RFC 9126 §5
	TokenEndpoint            string   `json:"token_endpoint"`
	JWKSURI                  string   `json:"jwks_uri"`
	IntrospectionEndpoint    string   `json:"introspection_endpoint"`
	RevocationEndpoint       string   `json:"revocation_endpoint"`
	UserinfoEndpoint         string   `json:"userinfo_endpoint"`             // OpenID Connect Discovery §3, as what follows
	EndSessionEndpoint       string   `json:"end_session_endpoint"`          // RP-Initiated Logout 1.0 §2.1
	CheckSessionIframe       string   `json:"check_session_iframe"`          // Session Management 1.0 §3.3
	BackchannelLogout        bool     `json:"backchannel_logout_supported"`  // Back-Channel Logout 1.0 §2.1
	FrontchannelLogout       bool     `json:"frontchannel_logout_supported"` // Front-Channel Logout 1.0 §3
	FrontchannelSession      bool     `json:"frontchannel_logout_session_supported"`
	BackchannelSession       bool     `json:"backchannel_logout_session_supported"`
	SubjectTypes             []string `json:"subject_types_supported"`
	IDTokenAlgs              []string `json:"id_token_signing_alg_values_supported"`
	UserinfoAlgs             []string `json:"userinfo_signing_alg_values_supported"`
	IDTokenEncryptionAlgs    []string `json:"id_token_encryption_alg_values_supported"`
	IDTokenEncryptionEncs    []string `json:"id_token_encryption_enc_values_supported"`
	UserinfoEncryptionAlgs   []string `json:"userinfo_encryption_alg_values_supported"`
	UserinfoEncryptionEncs   []string `json:"userinfo_encryption_enc_values_supported"`
	Scopes                   []string `json:"scopes_supported"`
	Claims                   []string `json:"claims_supported"`
	ClaimsParameter          bool     `json:"claims_parameter_supported"`
	RequestParameter         bool     `json:"request_parameter_supported"`
	RequestAlgs              []string `json:"request_object_signing_alg_values_supported,omitempty"` // RFC 9101 §10.5
	GrantTypes               []string `json:"grant_types_supported"`
	ResponseTypes            []string `json:"response_types_supported"`
	ResponseModes            []string `json:"response_modes_supported"`
	ChallengeMethods         []string `json:"code_challenge_methods_supported"`               // RFC 7636 §6.2
	AnswersSayIssuer         bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207 §3
	PromptValues             []string `json:"prompt_values_supported"`
	ACRValues                []string `json:"acr_values_supported"`
	RequestURI               bool     `json:"request_uri_parameter_supported"` // except those of pushed requests
	TokenAuthMethods         []string `json:"token_endpoint_auth_methods_supported"`
	IntrospectionAuthMethods []string `json:"introspection_endpoint_auth_methods_supported"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported"`
	CertificateBoundTokens   bool     `json:"tls_client_certificate_bound_access_tokens,omitempty"` // RFC 8705 §3.3
	DPoPAlgs                 []string `json:"dpop_signing_alg_values_supported"`                    // RFC 9449 §5.1
	// REQUIRED if a client may authenticate with a JWT.
	TokenAuthAlgs         []string `json:"token_endpoint_auth_signing_alg_values_supported,omitempty"`
	IntrospectionAuthAlgs []string `json:"introspection_endpoint_auth_signing_alg_values_supported,omitempty"`
	RevocationAuthAlgs    []string `json:"revocation_endpoint_auth_signing_alg_values_supported,omitempty"`
}

// Metadata is GET /.well-known/oauth-authorization-server and, the same document, GET
// /.well-known/openid-configuration. It always names the configured issuer, whatever the
// Host (RFC 8414 §3.3).
type Metadata struct {
	Issuer        string
	Authenticator *clientauth.Authenticator
	Grants        *grants.Registry
	// AssertionAlgs are the algorithms of client assertions and of request objects; nil: no
	// client can authenticate with an assertion.
	AssertionAlgs     []string
	ProofAlgs         []string // that proofs of possession may be signed with; nil: any
	TakesCertificates bool     // whether a client certificate can reach this server
	// Keys returns the algorithms with which this server signs.
	Keys interface{ ReadyFor(alg string) error }
}

// signs returns the algorithms that a key signs with now.
func (e *Metadata) signs() []string {
	return slices.DeleteFunc(keys.Algorithms(), func(alg string) bool { return e.Keys.ReadyFor(alg) != nil })
}

func (e *Metadata) serve(w http.ResponseWriter, _ *http.Request, _ *web.RequestInfo) error {
	base := web.IssuerBase(e.Issuer)
	methods := names(e.Authenticator.Names())
	confidential := slices.DeleteFunc(slices.Clone(methods), func(m string) bool { return m == string(oauth.AuthNone) })
	w.Header().Set("Cache-Control", "public, max-age=300")
	signs := e.signs()
	web.WriteJSON(w, http.StatusOK, metadataBody{
		Issuer:                e.Issuer,
		AuthorizationEndpoint: base + AuthorizePath,
		PushEndpoint:          base + PushPath,
		TokenEndpoint:         base + TokenPath,
		JWKSURI:               base + JWKSPath,
		IntrospectionEndpoint: base + IntrospectPath,
		RevocationEndpoint:    base + RevokePath,
		UserinfoEndpoint:      base + UserinfoPath,
		EndSessionEndpoint:    base + EndSessionPath,
		CheckSessionIframe:    base + CheckSessionPath,
		BackchannelLogout:     true,
		FrontchannelLogout:    true, FrontchannelSession: true,
		BackchannelSession:       true,
		SubjectTypes:             names(oidc.SubjectTypes()),
		IDTokenAlgs:              signs,
		UserinfoAlgs:             signs,
		IDTokenEncryptionAlgs:    oidc.EncryptionAlgs(),
		IDTokenEncryptionEncs:    oidc.Encryptions(),
		UserinfoEncryptionAlgs:   oidc.EncryptionAlgs(),
		UserinfoEncryptionEncs:   oidc.Encryptions(),
		Scopes:                   oauth.IdentityScopes(),
		Claims:                   oidc.ClaimNames(),
		ClaimsParameter:          true,
		RequestParameter:         true,
		RequestAlgs:              e.AssertionAlgs,
		GrantTypes:               append(names(e.Grants.Types()), "implicit"), // what response types with a token are called
		ResponseTypes:            names(store.ResponseTypes()),
		ResponseModes:            names(authorize.Modes()),
		ChallengeMethods:         authorize.ChallengeMethods(),
		AnswersSayIssuer:         true,
		PromptValues:             authorize.PromptValues(),
		ACRValues:                sessions.ACRs(),
		TokenAuthMethods:         methods,
		IntrospectionAuthMethods: confidential,
		RevocationAuthMethods:    methods,
		CertificateBoundTokens:   e.TakesCertificates,
		DPoPAlgs:                 dpop.Algorithms(e.ProofAlgs),
		TokenAuthAlgs:            e.AssertionAlgs,
		IntrospectionAuthAlgs:    e.AssertionAlgs,
		RevocationAuthAlgs:       e.AssertionAlgs,
	})
	return nil
}
