// Package sessions owns that a person is signed in with a browser: the secret in the cookie,
// how the person proved who they are and when, and the end of it.
//
// It refuses to know HTTP, and to prove who a person is: internal/logins does that. Every sign-in
// gives the browser a new secret, and the database has only its hash. Start at sessions.go.
package sessions
