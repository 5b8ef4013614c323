// Package oidc owns what a client learns of a person who signed in (OpenID Connect Core 1.0):
// the ID token, the claims of userinfo, the subject under which a client knows a user, and the
// end of the session: the requests of clients to sign a person out, and how clients are told.
//
// It refuses to touch HTTP, and to decide who may sign in. Without it a client would get
// access tokens and not learn whose they are.
//
// Start at [IDTokens.IDToken], [Userinfo.Of], [Logouts.Read] and [Backchannel.Deliver].
package oidc
