package authorize

import (
	"authserver/internal/oauth"
	"authserver/internal/store"
)

// ChallengeMethods are the methods of PKCE, for the metadata (RFC 8414 §2).
func ChallengeMethods() []string { return []string{"S256"} }

// requireChallenge demands PKCE of a request for a code, unless something else binds the code to
// the request (RFC 9700 §2.1.1): always of a public client, and of a confidential one without a
// nonce for its ID token, unless it is registered as one from before PKCE.
func requireChallenge(client store.Client, r Request) error {
	if r.Challenge != "" || !r.answers("code") {
		return nil
	}
	fapi := client.Profile == store.ProfileFAPI2 // FAPI 2.0 §5.3.2.2, item 5
	if !client.Public() && !fapi && (client.PKCEOptional || r.OpenID() && r.Nonce != "") {
		return nil
	}
	return oauth.Fail(oauth.InvalidRequest, "pkce_missing",
		"code_challenge is missing: send a challenge by S256 with the request, and its verifier with the code (RFC 7636)")
}
