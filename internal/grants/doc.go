// Package grants holds what each grant means: who the token is for and what it
// may say. One file per grant, each a [Grant] in the [Registry].
//
// It refuses to authenticate clients (the token endpoint has done so before), to
// know HTTP, and to sign anything itself. Start at grants.go, then at
// clientcredentials.go, the shortest. issue.go has what all of them share, and trust.go
// whose JWTs they take.
package grants
