// Package oidc owns what a client learns of a person who signed in (OpenID Connect Core 1.0): the
// ID token, the claims of UserInfo, and the subject of a user at a client. It also owns logout: the
// requests of clients to sign a person out, and the logout tokens for clients.
//
// It refuses to touch HTTP, and to decide which person may sign in. Without it a client would get
// access tokens and not learn to which user they belong.
//
// Start at [IDTokens.IDToken], [Userinfo.Answer], [Logouts.Read] and [Backchannel.Deliver].
package oidc
