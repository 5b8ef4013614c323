package pages

// Error shows an error that cannot go to an app.
type Error struct {
	Client      Client // if it is known and valid
	Code        string // the error code of the RFC, such as "invalid_request"
	Description string // the description: what was wrong and what to do, in English
	RequestID   string // under which the log has more
	// Kind decides the text for the person.
	Kind ErrorKind
	// RetryURI is the page to try again; "": not offered.
	RetryURI string
}

// ErrorKind is the kind of an error.
type ErrorKind string

// The kinds of errors.
const (
	ErrorRequest     ErrorKind = "request"     // the app sent a wrong request
	ErrorServer      ErrorKind = "server"      // this server failed
	ErrorUnavailable ErrorKind = "unavailable" // this server is overloaded, or cannot reach its database
	ErrorNotFound    ErrorKind = "not-found"   // there is no such page
	ErrorOrigin      ErrorKind = "origin"      // the form came from another site
)

func (Error) template() string { return "error" }

func (e Error) policy() Policy { return e.Client.policy("") }

func (Error) needs() []need { return []need{{"", map[string]string{"id": "error"}}} }
