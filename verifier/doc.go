// Package verifier verifies access tokens in a resource server (an API) that is written in
// Go. The tokens are JWTs (RFC 9068): bearer tokens (RFC 6750), or tokens that are bound to a
// key (DPoP, RFC 9449) or to a TLS certificate (RFC 8705).
//
//	tokens, err := verifier.New("https://auth.example.com", "https://api.example.com", verifier.Options{})
//	…
//	defer tokens.Close()
//	may := tokens.Middleware(verifier.Requirements{Scopes: []string{"orders:read"}})
//	mux.Handle("GET /orders", may(orders)) // FromContext tells orders whose request it is
//
// The verifier fetches the metadata of the authorization server (OpenID Connect Discovery or
// RFC 8414) and its keys when the first token arrives. It keeps them for their max-age, for an
// hour at most, and fetches them again in the background before that ends, until
// [Verifier.Close]. While the authorization server is down, the last keys stay in use for a
// day. Tokens that name an unknown key cause one fetch in half a minute, however many arrive.
//
// Start at [New] and [Verifier.Middleware].
package verifier
