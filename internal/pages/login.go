package pages

// Login asks for username and password. Its form sends "username", "password" and "continue".
type Login struct {
	Client   Client
	Form     Form
	Username string // the initial value, such as login_hint or the earlier input
	// Again is set if the person is signed in already and has to authenticate again. The username
	// is fixed then, and sent with the form.
	Again bool
	Fault LoginFault // why the last attempt failed
}

// LoginFault is the reason of a failed sign-in, as far as the person may know it.
type LoginFault string

// The faults of a login. None of them reveals whether the user exists.
const (
	LoginBlank LoginFault = "blank" // the username or the password is missing
	LoginWrong LoginFault = "wrong" // one of them is wrong
	LoginSlow  LoginFault = "slow"  // there were too many attempts
	LoginBusy  LoginFault = "busy"  // the server is overloaded
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
