package pages

// Error says what went wrong where there is no app to tell.
type Error struct {
	Client      Client // where it is known and good
	Code        string // the word of the RFC, such as "invalid_request"
	Description string // our own text: what was wrong and what to do, in English
	RequestID   string // under which the log says more
	// Kind decides what the person is told.
	Kind ErrorKind
	// RetryURI begins again, such as the page that failed; "": not offered.
	RetryURI string
}

// ErrorKind is what kind of fault a person met.
type ErrorKind string

// The kinds of errors.
const (
	ErrorRequest     ErrorKind = "request"     // the app sent something that cannot be taken
	ErrorServer      ErrorKind = "server"      // this server failed
	ErrorUnavailable ErrorKind = "unavailable" // this server has no room, or cannot reach what it needs
	ErrorNotFound    ErrorKind = "not-found"   // there is no such page
	ErrorOrigin      ErrorKind = "origin"      // a form came from another site
)

func (Error) template() string { return "error" }

func (e Error) policy() Policy { return e.Client.policy("") }

func (Error) needs() []need { return []need{{"", map[string]string{"id": "error"}}} }
