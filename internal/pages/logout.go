package pages

import "html/template"

// Logout asks whether to sign out. Its form sends "decision", which is "yes" or "no", and
// "continue".
type Logout struct {
	Client Client // the client that asks; the zero Client: none is known
	Form   Form
	User   string // who is signed in
}

func (Logout) template() string { return "logout" }

func (l Logout) policy() Policy { return l.Client.policy(l.Form.Destination) }

// LoggedOut says that the person is signed out.
type LoggedOut struct {
	Client Client // the destination of the link
	// ReturnURI is the post-logout redirect URI, or the start page of the app; "": no link.
	ReturnURI string
	// Frames are the front-channel logout URIs of the apps (OpenID Connect Front-Channel Logout 1.0
	// §3). The browser loads them, and goes to ReturnURI by itself a few seconds later.
	Frames []string
}

func (LoggedOut) template() string { return "loggedout" }

// Return is the address of the link.
func (l LoggedOut) Return() template.URL { return target(l.ReturnURI) }

func (l LoggedOut) policy() Policy {
	p := l.Client.policy("")
	p.Frames = sources(l.Frames...)
	if len(l.Frames) > 0 {
		p.Refresh = string(l.Return())
	}
	return p
}

func (l LoggedOut) needs() []need {
	var needs []need
	if l.Return() != "" {
		needs = append(needs, need{"a", map[string]string{"id": "return", "href": l.ReturnURI}})
	}
	for _, frame := range l.Frames {
		needs = append(needs, need{"iframe", map[string]string{"src": frame}})
	}
	return needs
}

func (l Logout) needs() []need {
	return []need{form(l.Form.Action), field("continue"), button("logout-yes", "decision", "yes"), button("logout-no", "decision", "no")}
}
