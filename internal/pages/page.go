package pages

// Page is one of the structs of this room, such as [Login].
type Page interface {
	// template is the name of its file in templates/, without ".html".
	template() string
	// policy is what the browser may do on the page.
	policy() Policy
	// needs are the elements without which the page does not work.
	needs() []need
}

// Document is a page that has been rendered.
type Document struct {
	HTML     []byte
	Language string // BCP 47
	Policy   Policy
}

// Client is an app as a person knows it. The zero Client stands for this server itself.
type Client struct {
	Name      string // for people; the identifier of the client where it has no name
	Host      string // of its redirect URI, such as "app.example.com"; "": not shown
	LogoURI   string // https, or data of an image; anything else is not shown
	PolicyURI string // https; "": not shown
	TermsURI  string // https; "": not shown
}

// Form is where the form of a page leads.
type Form struct {
	Action   string // the path that takes the POST
	Continue string // the sealed request that goes on afterwards: the hidden field "continue"
	// Destination is the redirect URI to which the answer may send the browser on; "": none.
	// Chromium holds the redirects that follow a form to form-action too.
	Destination string
}

// need is an element that a page cannot do without, with its attributes: a person or a
// password manager finds nothing else in its place, and the server reads what it sends.
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
