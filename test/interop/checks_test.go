//go:build interop

package interop

import "slices"

// twoResources is the check that Authlib cannot make: it sends a parameter only once.
const twoResources = "token for two resources"

// checks returns the checks that every program must report.
func checks() []string {
	names := []string{
		"metadata found by RFC 8414",
		"verifier goes on through a key rotation",
		"secret that needs escaping by client_secret_basic",
		"secret that needs escaping by client_secret_post",
		"public client refreshes",
		twoResources,
		"refresh narrows the scope",
		"refresh retried gets the same successor",
		"introspection by the client",
		"introspection by the resource server",
		"introspection of a refresh token",
		"introspection of an unknown token",
		"revocation of an access token",
		"revocation of a refresh token ends its family",
		"invalid_client for a wrong secret by client_secret_basic",
		"invalid_client for a wrong secret by client_secret_post",
		"invalid_client at the introspection endpoint",
		"invalid_client at the revocation endpoint",
		"invalid_grant for a wrong password",
		"invalid_grant for an unknown refresh token",
		"invalid_grant for an assertion that was used",
		"invalid_scope for a scope that is not allowed",
		"invalid_target for a resource that is not allowed",
		"unauthorized_client for a grant that the client does not have",
		"unsupported_grant_type for an unknown grant",
	}
	for _, alg := range algorithms() {
		for _, name := range []string{
			"client_credentials by client_secret_basic",
			"client_credentials by client_secret_post",
			"password",
			"refresh_token",
			"jwt-bearer with an RS256 assertion",
			"jwt-bearer with an ES256 assertion",
			"jwt-bearer with an HS256 assertion",
			"verifier refuses another audience",
			"verifier refuses an altered payload",
			"verifier refuses another issuer",
		} {
			names = append(names, alg+" "+name)
		}
	}
	return names
}

// simple returns the checks of simple-oauth2, which parses every answer.
func simple() []string {
	names := []string{"secret that needs escaping", "invalid_client for a wrong secret"}
	for _, method := range []string{"header", "body"} {
		for _, name := range []string{"client_credentials", "password", "refresh", "revoke", "revokeAll"} {
			names = append(names, name+" in the "+method)
		}
	}
	return names
}

// forms returns the checks of clients that write forms in a charset of their own.
func forms() []string {
	var names []string
	for _, client := range []string{"HttpClient 4", "HttpClient 5"} {
		for _, name := range []string{
			"client_credentials", "password in ISO-8859-1", "password in UTF-8", "refresh_token", "introspection and revocation",
			"invalid_grant for a wrong password",
		} {
			names = append(names, client+" "+name)
		}
	}
	return names
}

// byOrder returns the checks of a verifier that uses the order of the key set.
func byOrder() []string {
	return []string{"verifies by the key set", "verifies by the first key", "verifies through a rotation", "refuses"}
}

// signing returns the checks of clients that authenticate with a JWT.
func signing() []string { return []string{"private_key_jwt", "client_secret_jwt"} }

// accounts returns the checks of clients that are their own issuers.
func accounts() []string {
	return []string{
		"google-auth for itself",
		"google-auth for a user",
		"google-auth with another key",
		"google-auth with an assertion for Google",
		"google-auth without a subject",
		"Salesforce's flow for a user",
		"Salesforce's flow with another key",
		"Salesforce's flow with an exp that is text",
	}
}

// proofs returns the checks of a client that binds its tokens to a key (RFC 9449).
func proofs() []string { return []string{"DPoP", "DPoP with a refresh token"} }

// certificates returns the checks of a client that authenticates with a certificate (RFC 8705).
func certificates() []string {
	return []string{
		"metadata of mutual TLS",
		"tls_client_auth",
		"self_signed_tls_client_auth",
		"invalid_client for another client's certificate",
		"invalid_client without a certificate",
	}
}

func checksBut(name string) []string {
	return slices.DeleteFunc(checks(), func(c string) bool { return c == name })
}

// algorithms returns the signing algorithms of access tokens.
func algorithms() []string { return []string{"RS256", "ES256"} }
