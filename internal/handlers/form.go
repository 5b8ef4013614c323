package handlers

import (
	"net/http"

	"authserver/internal/oauth"
	"authserver/internal/web"
)

// readForm reads the body of a POST strictly and within bounds.
func readForm(r *http.Request, n *web.RequestInfo) (oauth.Form, error) {
	form, _, err := readFormText(r, n)
	return form, err
}

// readFormText is readForm, with the body as it came.
func readFormText(r *http.Request, n *web.RequestInfo) (form oauth.Form, body string, err error) {
	if err := checkQuery(r.URL); err != nil {
		return form, "", err
	}
	if r.Header.Get("Content-Encoding") != "" {
		return form, "", oauth.Fail(oauth.InvalidRequest, "content_encoding", "the body must not be compressed")
	}
	if len(r.Header.Values("Content-Type")) > 1 {
		return form, "", oauth.Fail(oauth.InvalidRequest, "content_type", "the Content-Type header appears more than once")
	}
	read, err := n.Read(r)
	if err != nil {
		return form, "", err
	}
	body = string(read)
	form, err = oauth.ParseForm(r.Header.Get("Content-Type"), body)
	return form, body, err
}

// readCrossSite reads a request in a form, which pages of other sites send, as a query. The browser
// leaves out the cookie then, because the cookie is SameSite=Lax. So the endpoint redirects the
// browser to itself by GET, which brings the cookie.
func readCrossSite(r *http.Request, n *web.RequestInfo) (query string, err error) {
	body, err := n.Read(r)
	if err != nil {
		return "", err
	}
	_, err = oauth.ParseForm(r.Header.Get("Content-Type"), "")
	return string(body), err
}

// clientRequired is the answer to a request that needs a client and presents none.
func clientRequired() *oauth.Error {
	return oauth.Fail(oauth.InvalidClient, "client_missing",
		"client authentication is required: send client_id and client_secret with HTTP Basic or in the body, or a client_assertion; a public client sends client_id alone")
}
