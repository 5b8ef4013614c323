package pages

// Page is one of the structs of this room, such as [Login].
type Page interface {
	// template returns the name of its file in templates/, without ".html".
	template() string
	// policy returns what the browser may do on the page.
	policy() Policy
	// needs returns the elements without which the page does not work.
	needs() []need
}

// Document is a rendered page.
type Document struct {
	HTML     []byte
	Language string // BCP 47
	Policy   Policy
}

// Client describes an app for display. The zero Client stands for this server itself.
type Client struct {
	Name      string // for display; the identifier of a client without a name
	Host      string // of its redirect URI, such as "app.example.com"; "": not shown
	LogoURI   string // https, or data of an image; anything else is not shown
	PolicyURI string // https; "": not shown
	TermsURI  string // https; "": not shown
}

// Form is the destination and the state of a page's form.
type Form struct {
	Action   string // the path that takes the POST
	Continue string // the sealed request that continues afterwards: the hidden field "continue"
	// Destination is the redirect URI to which the answer may send the browser on; "": none.
	// Chromium applies form-action to the redirects after a form, too.
	Destination string
}

// need is an element that a page must have, with its attributes: a person or a password manager
// uses it, and the server reads what it sends.
type need struct {
	element    string
	attributes map[string]string
}

// field is an input of a form.
func field(name string) need { return need{"input", map[string]string{"name": name}} }

// button is a button of a form that has an id for tests and sends a decision.
func button(id, name, value string) need {
	return need{"button", map[string]string{"id": id, "name": name, "value": value}}
}

// form is a form that is sent to a path of this server.
func form(action string) need {
	return need{"form", map[string]string{"method": "post", "action": action}}
}
