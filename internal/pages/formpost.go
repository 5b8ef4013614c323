package pages

import "html/template"

// FormPost sends an answer to the app in a form that submits itself (OAuth 2.0 Form Post Response
// Mode). It is the only page with a script; without JavaScript it has a button.
type FormPost struct {
	Client      Client
	RedirectURI string
	Fields      []Field
}

// Field is a field of a form.
type Field struct{ Name, Value string }

func (FormPost) template() string { return "formpost" }

// Target is the destination of the form.
func (f FormPost) Target() template.URL { return target(f.RedirectURI) }

func (f FormPost) policy() Policy {
	p := f.Client.policy(f.RedirectURI)
	p.Script = scriptSource()
	return p
}

func (f FormPost) needs() []need {
	needs := []need{form(string(f.Target())), {"script", nil}}
	for _, sent := range f.Fields {
		needs = append(needs, need{"input", map[string]string{"type": "hidden", "name": sent.Name, "value": sent.Value}})
	}
	return needs
}
