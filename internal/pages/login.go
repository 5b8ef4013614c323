package pages

// Login asks for username and password. Its form sends "username", "password" and "continue".
type Login struct {
	Client   Client
	Form     Form
	Username string // to begin with, such as login_hint or what was typed before
	// Again is set where the person is signed in already and has to prove it anew. The
	// username is fixed then, and sent with the form.
	Again bool
	Fault LoginFault // why the last attempt failed
}

// LoginFault is why an attempt to sign in failed, as the person may know it.
type LoginFault string

// The faults of a login. None of them tells whether the user exists.
const (
	LoginBlank LoginFault = "blank" // the username or the password is missing
	LoginWrong LoginFault = "wrong" // they do not fit
	LoginSlow  LoginFault = "slow"  // there were too many attempts
	LoginBusy  LoginFault = "busy"  // the server has no room just now
)

func (Login) template() string { return "login" }

func (l Login) policy() Policy { return l.Client.policy(l.Form.Destination) }

func (l Login) needs() []need {
	needs := []need{form(l.Form.Action), field("continue"),
		{"input", map[string]string{"id": "username", "name": "username", "autocomplete": "username"}},
		{"input", map[string]string{"id": "password", "name": "password", "type": "password", "autocomplete": "current-password"}},
		{"button", map[string]string{"id": "login"}},
	}
	if l.Fault != "" {
		needs = append(needs, need{"", map[string]string{"id": "error"}})
	}
	return needs
}
