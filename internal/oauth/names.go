package oauth

// GrantType is a value of the parameter "grant_type".
type GrantType string

// The grant types that this server supports.
const (
	AuthorizationCode GrantType = "authorization_code"                              // RFC 6749 §4.1
	ClientCredentials GrantType = "client_credentials"                              // RFC 6749 §4.4
	Password          GrantType = "password"                                        // RFC 6749 §4.3
	RefreshToken      GrantType = "refresh_token"                                   // RFC 6749 §6
	JWTBearer         GrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer"     // RFC 7523 §2.1
	TokenExchange     GrantType = "urn:ietf:params:oauth:grant-type:token-exchange" // RFC 8693 §2.1
)

// AuthMethod is a method by which a client authenticates, in the terms of the registry (RFC 7591
// §2, token_endpoint_auth_method).
type AuthMethod string

// The client authentication methods that this server supports.
const (
	AuthNone  AuthMethod = "none"
	AuthBasic AuthMethod = "client_secret_basic"
	AuthPost  AuthMethod = "client_secret_post"

	AuthSecretJWT     AuthMethod = "client_secret_jwt" // OpenID Connect Core §9
	AuthPrivateKeyJWT AuthMethod = "private_key_jwt"
	AuthTLS           AuthMethod = "tls_client_auth"             // RFC 8705 §2.1
	AuthSelfSignedTLS AuthMethod = "self_signed_tls_client_auth" // RFC 8705 §2.2
)

// How an access token is used, the value of "token_type".
const (
	Bearer = "Bearer" // a bearer token (RFC 6750)
	DPoP   = "DPoP"   // with a proof of possession of its key (RFC 9449 §5)
)
