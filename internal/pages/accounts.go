package pages

// Accounts asks for the account. Its form sends "account", which is the ID of an account or
// "other", and "continue".
type Accounts struct {
	Client   Client
	Form     Form
	Accounts []AccountChoice
}

// AccountChoice is an account that is signed in.
type AccountChoice struct {
	ID       string // the value that the form sends
	Name     string // such as "Alice Liddell"; may be ""
	Username string
}

func (Accounts) template() string { return "accounts" }

func (a Accounts) policy() Policy { return a.Client.policy(a.Form.Destination) }

func (a Accounts) needs() []need {
	needs := []need{form(a.Form.Action), field("continue"), button("other", "account", "other")}
	for _, account := range a.Accounts {
		needs = append(needs, need{"button", map[string]string{"name": "account", "value": account.ID}})
	}
	return needs
}
