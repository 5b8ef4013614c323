package pages

// Consent asks whether an app may have access. Its form sends "decision", which is
// "approve" or "deny", and "continue".
type Consent struct {
	Client Client
	Form   Form
	User   string // the person, such as "Alice Liddell (alice)"
	// Groups are the requested scopes, by resource.
	Groups []ConsentGroup
	// SwitchURI chooses another account; "": not offered.
	SwitchURI string
	// AccountURI is the page where the person can revoke the access; "": not offered.
	AccountURI string
}

// ConsentGroup has the requested scopes of one resource.
type ConsentGroup struct {
	Resource string // the name or identifier, for display; "": this server, for the scopes of OpenID Connect
	Scopes   []Scope
}

// Scope is a scope in words.
type Scope struct {
	Name string // the value in the request, such as "email"
	// Text says what it permits, as it was registered. If it is "", the languages have texts for
	// the scopes of OpenID Connect, and other scopes are shown by name.
	Text string
}

func (Consent) template() string { return "consent" }

func (c Consent) policy() Policy { return c.Client.policy(c.Form.Destination) }

func (c Consent) needs() []need {
	return []need{form(c.Form.Action), field("continue"), button("approve", "decision", "approve"), button("deny", "decision", "deny")}
}
