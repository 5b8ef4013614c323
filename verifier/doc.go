// Package verifier verifies the access tokens of an authorization server in a resource
// server (an API) that is written in Go: JWTs as RFC 9068 lays them out, borne by whoever
// has them (RFC 6750), or bound to a key (DPoP, RFC 9449) or a TLS certificate (RFC 8705).
//
//	tokens, err := verifier.New("https://auth.example.com", "https://api.example.com", verifier.Options{})
//	…
//	defer tokens.Close()
//	may := tokens.Middleware(verifier.Requirements{Scopes: []string{"orders:read"}})
//	mux.Handle("GET /orders", may(orders)) // where FromContext tells whose request it is
//
// The server's metadata (OpenID Connect Discovery or RFC 8414) and keys are fetched at the
// first token, kept as long as their max-age says and for an hour at most, and fetched again
// before that ends, in the background until [Verifier.Close]. While the server is down, the
// keys that it gave last are kept for a day. A token that names a key which is not known
// leads to one fetch in half a minute, however many there are.
//
// Start at [New] and [Verifier.Middleware].
package verifier
