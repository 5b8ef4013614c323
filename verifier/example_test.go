package verifier_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"authserver/verifier"
)

// An API names the authorization server that it trusts, and itself. The verifier fetches nothing
// until a token comes.
func ExampleNew() {
	tokens, err := verifier.New("https://auth.example.com", "https://orders.example.com", verifier.Options{
		BaseURL: "https://orders.example.com/v1", // where clients reach it, through a proxy at which TLS ends
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tokens.Close()

	_, err = verifier.New("http://auth.example.com", "https://orders.example.com", verifier.Options{})
	fmt.Println(err)
	// Output:
	// verifier: the issuer cannot be used: it is not https, nor http on this machine
}

// The middleware calls a handler only for a good token, from which the handler reads whose request
// it is.
func ExampleVerifier_Middleware() {
	tokens, err := verifier.New("https://auth.example.com", "https://orders.example.com", verifier.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tokens.Close()

	mayRead := tokens.Middleware(verifier.Requirements{Scopes: []string{"orders:read"}})
	mux := http.NewServeMux()
	mux.Handle("GET /orders", mayRead(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := verifier.FromContext(r.Context())
		_, _ = fmt.Fprintf(w, "the orders of %s\n", token.Subject)
	})))

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "https://orders.example.com/orders", nil))
	fmt.Println(answer.Code, answer.Header().Get("WWW-Authenticate"))
	// Output:
	// 401 Bearer realm="https://orders.example.com"
}

// Verify verifies a token that does not come in a request of net/http. A refusal is an
// [verifier.Error].
func ExampleVerifier_Verify() {
	tokens, err := verifier.New("https://auth.example.com", "https://orders.example.com", verifier.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tokens.Close()

	request := httptest.NewRequest(http.MethodGet, "/", nil)
	token, err := tokens.Verify(request.Context(), "e30.e30.AA")
	var refused *verifier.Error
	switch {
	case errors.As(err, &refused):
		fmt.Println(refused.Status, refused)
	case errors.Is(err, verifier.ErrUnavailable):
		fmt.Println("try again later")
	default:
		fmt.Println("it is", token.Subject)
	}
	// Output:
	// 401 invalid_token: its header has no alg
}

// A handler asks the token for what only some requests need.
func ExampleToken_Allows() {
	token := &verifier.Token{Subject: "alice", Scopes: []string{"orders:read"}, Roles: []string{"clerk"}}
	fmt.Println(token.Allows(verifier.Requirements{Roles: []string{"clerk"}}))
	fmt.Println(token.Allows(verifier.Requirements{Scopes: []string{"orders:read", "orders:write"}}))
	// Output:
	// <nil>
	// insufficient_scope: it lacks the scope orders:write
}
