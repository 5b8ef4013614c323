// Package browser is a person's browser for tests, as far as pages without scripts need one:
// it keeps cookies, follows redirects, and sends forms.
package browser

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Browser keeps cookies and follows redirects, except those that leave the server.
type Browser struct {
	testing.TB
	Base   string // scheme and host of the server
	Client *http.Client
	Header map[string]string // sent along
}

// Page is the page in a browser, or the address outside of the server to which the browser was
// sent.
type Page struct {
	Status int
	Header http.Header
	URL    *url.URL // of the page
	Left   *url.URL // the address to which the browser was sent; nil: it is still here
	Hops   []string // the paths on the way
	Body   string
	IDs    map[string]string // values, by id
	Action string            // of the form
	Fields url.Values        // hidden ones
}

// New opens a browser without cookies.
func New(t testing.TB, base string) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Browser{TB: t, Base: base, Client: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, Header: map[string]string{"Sec-Fetch-Site": "same-origin"}}
}

// Open opens a path of the server.
func (b *Browser) Open(path string) Page {
	b.Helper()
	return b.Follow(http.MethodGet, b.Base+path, "")
}

// Send sends the form of a page with fields: name, value.
func (b *Browser) Send(p Page, fields ...string) Page {
	b.Helper()
	form := url.Values{}
	for name, values := range p.Fields {
		form[name] = values
	}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	if p.Action == "" {
		b.Fatalf("the page has no form: %d %s %s", p.Status, p.URL, p.Body)
	}
	return b.Follow(http.MethodPost, b.Base+p.Action, form.Encode())
}

// SignIn fills in the login page.
func (b *Browser) SignIn(p Page, username, password string) Page {
	b.Helper()
	if _, is := p.IDs["password"]; !is {
		b.Fatalf("this is no login page: %d %v %v %s", p.Status, p.URL, p.Left, p.Body)
	}
	return b.Send(p, "username", username, "password", password)
}

// Approve consents on the consent page.
func (b *Browser) Approve(p Page) Page {
	b.Helper()
	if _, is := p.IDs["approve"]; !is {
		b.Fatalf("this is no consent page: %d %v %v %s", p.Status, p.URL, p.Left, p.Body)
	}
	return b.Send(p, "decision", "approve")
}

// Follow sends a request and follows the redirects of its answer.
func (b *Browser) Follow(method, address, body string) Page {
	b.Helper()
	var hops []string
	for range 10 {
		request, err := http.NewRequestWithContext(b.Context(), method, address, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		if method == http.MethodPost {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		for name, value := range b.Header {
			request.Header.Set(name, value)
		}
		hops = append(hops, request.URL.Path)
		p := b.once(request)
		p.Hops = hops
		location := p.Header.Get("Location")
		if location == "" {
			return p
		}
		if p.Status != http.StatusSeeOther {
			b.Errorf("%s %s redirects with %d", method, request.URL.Path, p.Status)
		}
		next, err := request.URL.Parse(location)
		if err != nil {
			b.Fatal(err)
		}
		if !strings.HasPrefix(next.String(), b.Base+"/") {
			p.Left = next
			return p
		}
		method, address, body = http.MethodGet, next.String(), ""
	}
	b.Fatalf("it redirects for ever: %v", hops)
	return Page{}
}

func (b *Browser) once(request *http.Request) Page {
	b.Helper()
	response, err := b.Client.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close() // all of it was read
	if err != nil {
		b.Fatal(err)
	}
	p := Page{Status: response.StatusCode, Header: response.Header, URL: request.URL, Body: string(body), IDs: map[string]string{}, Fields: url.Values{}}
	root, err := html.Parse(strings.NewReader(p.Body))
	if err != nil {
		b.Fatal(err)
	}
	p.read(root)
	return p
}

// read reads the parts of a page that tests use.
func (p *Page) read(n *html.Node) {
	attributes := map[string]string{}
	for _, a := range n.Attr {
		attributes[a.Key] = a.Val
	}
	if id, is := attributes["id"]; is {
		p.IDs[id] = attributes["value"]
	}
	switch {
	case n.Data == "form" && p.Action == "":
		p.Action = attributes["action"]
	case n.Data == "input" && attributes["type"] == "hidden":
		p.Fields.Set(attributes["name"], attributes["value"])
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		p.read(c)
	}
}

// Sent requires that the browser was sent to an app, and returns the parameters in the query or the
// fragment.
func (p Page) Sent(t testing.TB, to string) url.Values {
	t.Helper()
	if p.Left == nil || !strings.HasPrefix(p.Left.String(), to) {
		t.Fatalf("the browser is at %d %v, was sent to %v, and not to %s: %s", p.Status, p.URL, p.Left, to, p.Body)
	}
	if p.Left.Fragment == "" {
		return p.Left.Query()
	}
	values, err := url.ParseQuery(p.Left.EscapedFragment())
	if err != nil {
		t.Fatal(err)
	}
	return values
}
