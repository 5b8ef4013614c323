// Package grants defines what each grant means: its subject, and the content of its
// token. One file per grant, each a [Grant] in the [Registry].
//
// It refuses to authenticate clients (the token endpoint does that first), to know HTTP, and to
// sign. Start at grants.go, then at clientcredentials.go, the shortest. issue.go has the parts that
// all grants share, family.go those of codes and refresh tokens, and trust.go the JWTs that grants
// accept.
package grants
