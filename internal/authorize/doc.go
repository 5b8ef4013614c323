// Package authorize holds what an authorization request means (RFC 6749 §3.1, OpenID
// Connect Core §3): it reads one, asks the prompts in order whether the person is needed,
// and answers it.
//
// It refuses to know HTTP: it is given parameters and the session, and returns the page that
// is needed, or where the browser goes. Nothing is kept between two requests. What a page
// goes on with is sealed into its address, together with the moment at which it began.
//
// Start at flow.go; request.go has the parameters, and each prompt has a file.
package authorize
