package pages

// Consent asks whether an app may have access. Its form sends "decision", which is
// "approve" or "deny", and "continue".
type Consent struct {
	Client Client
	Form   Form
	User   string // who is signed in, such as "Alice Liddell (alice)"
	// Groups are what the app asks for, by resource.
	Groups []ConsentGroup
	// SwitchURI chooses another account; "": not offered.
	SwitchURI string
	// AccountURI is where the person can take the access back; "": not offered.
	AccountURI string
}

// ConsentGroup is what an app asks for at one resource.
type ConsentGroup struct {
	Resource string // the name or identifier for people; "": this server, for OpenID Connect's scopes
	Scopes   []Scope
}

// Scope is a scope in words.
type Scope struct {
	Name string // the word of the request, such as "email"
	// Text says what it permits, as it was registered. Where it is "", the languages have a
	// text for the scopes of OpenID Connect, and the rest are shown by name.
	Text string
}

func (Consent) template() string { return "consent" }

func (c Consent) policy() Policy { return c.Client.policy(c.Form.Destination) }

func (c Consent) needs() []need {
	return []need{form(c.Form.Action), field("continue"), button("approve", "decision", "approve"), button("deny", "decision", "deny")}
}
