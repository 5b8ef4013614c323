// Package oidc owns what a client learns of a person who signed in (OpenID Connect Core 1.0):
// the ID token, the claims of userinfo, and the subject under which a client knows a user.
//
// It refuses to touch HTTP, and to decide who may sign in. Without it a client would get
// access tokens and not learn whose they are.
//
// Start at [IDTokens.IDToken] and [Userinfo.Of].
package oidc
