// Package sessions owns the browser session: the secret in the cookie, the methods and the times of
// the sign-in, and the end of the session.
//
// It refuses to know HTTP, and to authenticate a person: internal/logins does that. Every sign-in
// gives the browser a new secret, and the database has only its hash. Start at sessions.go.
package sessions
