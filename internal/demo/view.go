package demo

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"

	"authserver/internal/oauth"
	"authserver/internal/pages"
	"authserver/internal/web"
)

//go:embed demo.html demo.css
var files embed.FS

var errNoAttempt = errors.New("the answer belongs to no sign-in that this browser began here: sign in again")

func badForm(err error) error {
	return oauth.Fail(oauth.InvalidRequest, "demo_form", "the form is damaged: go back to the page and send it again").Because(err)
}

// view renders the page.
type view struct{ page *template.Template }

// question is a variant of a further sign-in.
type question struct{ Name, Label, Parameter, Value, Meaning string }

func questions() []question {
	return []question{
		{"recent", "Sign in anew", "max_age", "0", "No earlier sign-in is recent enough, as before a payment. Compare auth_time."},
		{"level", "Ask for a level", "acr_values", "1", "The sign-in has to reach a level. One that does already is not asked again."},
		{"none", "Show no page", "prompt", "none", "The answer is a code, or an error where the person would have to do something."},
		{"consent", "Ask for consent", "prompt", "consent", "The person is asked again what the app may do."},
		{"account", "Choose an account", "prompt", "select_account", "For people with more than one."},
	}
}

// step is a message of the sign-in, for display.
type step struct {
	Title  string
	To     string // the address
	Fields []claim
}

// steps are the messages of a sign-in, in their order.
func steps(a attempt, answer url.Values) []step {
	asked, err := url.Parse(a.request)
	if err != nil {
		return nil
	}
	query := asked.Query()
	asked.RawQuery = ""
	return []step{
		{"The app sent the browser to the server", asked.String(), fields(query, []claim{
			{"response_type", "", "a code comes back, and no token"},
			{"client_id", "", "the app"},
			{"redirect_uri", "", "where the answer goes; the client is registered with it"},
			{"scope", "", "what the app would like to know and to do"},
			{"state", "", "a secret of this browser: the answer has to bring it back"},
			{"nonce", "", "a secret of this sign-in: the ID token has to have it"},
			{"code_challenge", "", "the SHA-256 of a secret that only the app knows (PKCE)"},
			{"code_challenge_method", "", ""},
			{"max_age", "", "how old the sign-in may be, in seconds"},
			{"acr_values", "", "the level that the sign-in has to reach"},
			{"prompt", "", "what the server has to ask, or not"},
		})},
		{"The server sent the browser back", a.redirect, fields(answer, []claim{
			{"code", "", "good once, for a minute, and for this app alone"},
			{"state", "", "as the app sent it"},
			{"iss", "", "which server answered: apps that know several compare it"},
		})},
		{"The app exchanged the code", "", []claim{
			{"grant_type", "authorization_code", ""},
			{"code", answer.Get("code"), ""},
			{"redirect_uri", a.redirect, ""},
			{"client_id", query.Get("client_id"), ""},
			{"code_verifier", a.verifier, "the secret behind code_challenge"},
		}},
	}
}

// fields returns the parameters that are present.
func fields(values url.Values, known []claim) []claim {
	var found []claim
	for _, c := range known {
		if values.Has(c.Name) {
			c.Value = values.Get(c.Name)
			found = append(found, c)
		}
	}
	return found
}

func newView(renderer *pages.Renderer) (*view, error) {
	assets := renderer.Assets()
	page, err := template.New("demo.html").Funcs(template.FuncMap{"asset": assets.URL, "styles": assets.Styles}).ParseFS(files, "demo.html")
	if err != nil {
		return nil, err
	}
	return &view{page}, nil
}

// shown is the input of the page.
type shown struct {
	Issuer, Username, Password string
	SignedIn                   bool
	Name                       string // of the person
	ID, Access                 token
	Refresh                    string
	UserInfo                   []claim
	Steps                      []step
	Questions                  []question
	Ends                       bool // whether the server has a logout
	Notice, Fault              string
}

// show is GET /demo.
func (d *Demo) show(w http.ResponseWriter, r *http.Request, _ *web.RequestInfo) error {
	v := d.visitOf(r)
	if v == nil {
		return d.write(w, http.StatusOK, nil, "", "")
	}
	defer v.mu.Unlock()
	notice, fault := v.notice, v.fault
	v.notice, v.fault = "", ""
	return d.write(w, http.StatusOK, v.signedIn, notice, fault)
}

func (d *Demo) write(w http.ResponseWriter, status int, person *signedIn, notice, fault string) error {
	data := shown{Issuer: d.Issuer, Username: d.Username, Password: d.Password, Questions: questions(), Notice: notice, Fault: fault}
	if person != nil {
		data.SignedIn, data.ID, data.Access, data.Refresh = true, person.id, person.access, person.refresh
		data.UserInfo, data.Steps = person.userinfo, person.steps
		data.Name = nameOf(person)
		d.mu.Lock()
		data.Ends = d.learned != nil && d.learned.EndSession != ""
		d.mu.Unlock()
	}
	var html bytes.Buffer
	if err := d.view.page.Execute(&html, data); err != nil {
		return err
	}
	d.Pages.WriteDocument(w, status, pages.Document{HTML: html.Bytes(), Language: "en", Policy: pages.Policy{FormAction: []string{origin(d.Issuer)}}})
	return nil
}

// nameOf is the name of the person on the page.
func nameOf(person *signedIn) string {
	for _, claims := range [][]claim{person.userinfo, person.id.Claims} {
		for _, wanted := range []string{"name", "preferred_username", "sub"} {
			for _, c := range claims {
				if c.Name == wanted {
					return c.Value
				}
			}
		}
	}
	return ""
}

// origin returns the origin of the server, to which a form of the page leads.
func origin(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// style is GET /demo/demo.css.
func style(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(w, r, files, "demo.css")
}
