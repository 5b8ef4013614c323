// Package logins holds how a person proves who they are: a file per method.
//
// It refuses to begin a session and to know HTTP. A method says who the person is, or
// refuses in words that are the same whatever was wrong. Start at password.go.
package logins
