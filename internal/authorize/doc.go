// Package authorize owns authorization requests (RFC 6749 §3.1, OpenID Connect Core §3): it reads a
// request, asks the prompts in order whether they need the person, and answers the request.
//
// It refuses to know HTTP: it takes parameters and the session, and returns the page to show, or
// the URI to which the browser goes. It stores nothing between two requests. The state of a page is
// sealed into its address, with the moment at which the request began.
//
// Start at flow.go; request.go has the parameters, and each prompt has a file.
package authorize
