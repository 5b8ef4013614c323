package pages

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

func open(t *testing.T, theme string) *Renderer {
	t.Helper()
	b, err := Open(theme, "")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func render(t *testing.T, b *Renderer, tag string, page Page) Document {
	t.Helper()
	sheet, err := b.Render(tag, page)
	if err != nil {
		t.Fatal(err)
	}
	return sheet
}

// The built-in pages must pass the checks of a theme.
func TestEveryPageInEveryLanguage(t *testing.T) {
	files, err := newOverlay("")
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t, "").check(files); err != nil {
		t.Error(err)
	}
}

// TestHTML checks what a browser, a screen reader and a password manager need on every page.
func TestHTML(t *testing.T) {
	b := open(t, "")
	for _, tag := range b.tags {
		for _, page := range samples() {
			sheet := render(t, b, tag, page)
			document, err := html.Parse(strings.NewReader(string(sheet.HTML)))
			if err != nil {
				t.Fatal(err)
			}
			ids, labels, headings := map[string]bool{}, map[string]bool{}, 0
			var inputs, described []string
			for node := range document.Descendants() {
				if node.Type != html.ElementNode {
					continue
				}
				if node.Data == "title" && strings.Contains(node.FirstChild.Data, "<bdi>") {
					t.Errorf("%s in %s: the title is %q, and a title has no elements", page.template(), tag, node.FirstChild.Data)
				}
				at := map[string]string{}
				for _, a := range node.Attr {
					at[a.Key] = a.Val
				}
				if id, given := at["id"]; given {
					if ids[id] {
						t.Errorf("%s %T: the id %s is there twice", tag, page, id)
					}
					ids[id] = true
				}
				described = append(described, strings.Fields(at["aria-describedby"]+" "+at["aria-labelledby"])...)
				switch node.Data {
				case "html":
					if at["lang"] != tag || at["dir"] != direction(tag) {
						t.Errorf("%s %T: <html lang=%q dir=%q>", tag, page, at["lang"], at["dir"])
					}
				case "h1":
					headings++
				case "label":
					labels[at["for"]] = true
				case "input":
					if at["type"] != "hidden" && at["aria-hidden"] == "" {
						inputs = append(inputs, at["id"])
					}
					if at["placeholder"] != "" {
						t.Errorf("%s %T: the input %s has a placeholder, which is gone when one types", tag, page, at["name"])
					}
				case "button":
					if at["type"] != "submit" {
						t.Errorf("%s %T: a button without type=submit", tag, page)
					}
				}
			}
			if headings != 1 {
				t.Errorf("%s %T: %d headings of the first level", tag, page, headings)
			}
			for _, id := range inputs {
				if !labels[id] || id == "" {
					t.Errorf("%s %T: the input %q has no label", tag, page, id)
				}
			}
			for _, id := range described {
				if !ids[id] {
					t.Errorf("%s %T: it is described by %q, which is not there", tag, page, id)
				}
			}
		}
	}
}

// TestIDs checks the ids that tests and password managers use.
func TestIDs(t *testing.T) {
	b := open(t, "")
	for _, c := range []struct {
		page Page
		ids  []string
	}{
		{Login{Fault: LoginWrong}, []string{"username", "password", "login", "error"}},
		{Consent{}, []string{"approve", "deny"}},
		{Accounts{}, []string{"other"}},
		{Logout{}, []string{"logout-yes", "logout-no"}},
		{Error{Kind: ErrorServer}, []string{"error"}},
		{Account{Fault: PasswordWrong, MinPassword: 8}, []string{"error", "current", "new", "again", "logout"}},
		{FormPost{}, []string{"continue"}},
	} {
		text := string(render(t, b, "en", c.page).HTML)
		for _, id := range c.ids {
			if strings.Count(text, ` id="`+id+`"`) != 1 {
				t.Errorf("%T has no id %s, or several", c.page, id)
			}
		}
	}
}

// TestNothingGetsOut puts characters that break out of HTML, attributes and addresses into every
// field.
func TestNothingGetsOut(t *testing.T) {
	const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}` + "\u202e\x00"
	const address = "javascript:alert(1)"
	client := Client{Name: evil, Host: evil, LogoURI: address, PolicyURI: address, TermsURI: "http://example.com/"}
	form := Form{Action: "/login", Continue: evil, Destination: address}
	scopes := []Scope{{Name: evil}, {Name: "x", Text: evil}}
	b := open(t, "")
	for _, tag := range []string{"en", "ar"} {
		for _, page := range []Page{
			Login{Client: client, Form: form, Username: evil}, Consent{Client: client, Form: form, User: evil, Groups: []ConsentGroup{{evil, scopes}}, SwitchURI: address, AccountURI: address},
			Accounts{Client: client, Form: form, Accounts: []AccountChoice{{evil, evil, evil}}}, Logout{Client: client, Form: form, User: evil},
			LoggedOut{Client: client, ReturnURI: address, Frames: []string{address}}, Error{Client: client, Kind: ErrorRequest, Code: evil, Description: evil, RequestID: evil, RetryURI: address},
			Account{Base: "/account", Username: evil, Name: evil, Profile: []ProfileField{{"name", evil, true}, {"email", evil, false}}, Sessions: []AccountSession{{ID: evil, Device: evil, Address: evil}}, Apps: []AccountApp{{ID: evil, Client: client, Scopes: scopes}}},
			FormPost{Client: client, RedirectURI: address, Fields: []Field{{evil, evil}}},
		} {
			sheet := render(t, b, tag, page)
			document, err := html.Parse(strings.NewReader(string(sheet.HTML)))
			if err != nil {
				t.Fatal(err)
			}
			scripts := 0
			for node := range document.Descendants() {
				if node.Data == "script" {
					scripts++
				}
				for _, a := range node.Attr {
					if strings.HasPrefix(a.Key, "on") || (a.Key == "href" || a.Key == "src" || a.Key == "action") && strings.HasPrefix(a.Val, "javascript") {
						t.Errorf("%s %T: <%s %s=%q>", tag, page, node.Data, a.Key, a.Val)
					}
				}
			}
			if _, sends := page.(FormPost); scripts > 1 || scripts == 1 && !sends {
				t.Errorf("%s %T: %d scripts", tag, page, scripts)
			}
			if p := sheet.Policy; len(p.FormAction)+len(p.Images)+len(p.Frames) > 0 {
				t.Errorf("%s %T: the policy allows %v", tag, page, p)
			}
		}
	}
}

func TestSources(t *testing.T) {
	for address, want := range map[string][]string{
		"https://app.example.com/callback?x=1":  {"https://app.example.com"},
		"https://app.example.com:8443/callback": {"https://app.example.com:8443"},
		"https://user@app.example.com/":         {"https://app.example.com"},
		"http://127.0.0.1:4711/callback":        {"http://127.0.0.1:4711"},
		"http://[::1]:4711/":                    {"http://[::1]:4711"},
		"com.example.app:/callback":             {"com.example.app:"},
		"COM.example.app:/callback":             {"com.example.app:"},
		"javascript:alert(1)":                   nil,
		"data:text/html,x":                      nil,
		"/relative":                             nil,
		"https:///no-host":                      nil,
		"https://a.example.com; script-src *":   nil,
		"https://a.example.com,x":               nil,
		"https://*.example.com/":                nil,
		"":                                      nil,
		"https://münchen.example.com/":          nil, // a browser uses only the A-label
		"https://xn--mnchen-3ya.example.com/":   {"https://xn--mnchen-3ya.example.com"},
	} {
		if diff := cmp.Diff(want, sources(address)); diff != "" {
			t.Errorf("%s:\n%s", address, diff)
		}
	}
}

func TestLogos(t *testing.T) {
	for address, want := range map[string]bool{
		"https://example.com/logo.png":             true,
		"data:image/png;base64,AAAA":               true,
		"data:image/svg+xml;base64,AAAA":           true,
		"http://example.com/logo.png":              false,
		"data:text/html;base64,AAAA":               false,
		"data:image/svg+xml,<svg onload=alert(1)>": false,
		"javascript:alert(1)":                      false,
		"//example.com/logo.png":                   false,
		"":                                         false,
	} {
		text := string(render(t, open(t, ""), "en", Login{Client: Client{Name: "Ägypten", LogoURI: address}}).HTML)
		if got := strings.Contains(text, "<img"); got != want {
			t.Errorf("%s: an image: %v, want %v", address, got, want)
		}
		if !want && !strings.Contains(text, ">Ä</span>") {
			t.Errorf("%s: there is no letter instead", address)
		}
	}
}

// TestTogether renders pages concurrently while their templates are parsed for the first time.
func TestTogether(t *testing.T) {
	b := open(t, "")
	var all sync.WaitGroup
	for range 8 {
		for _, tag := range b.tags {
			all.Go(func() {
				if _, err := b.Render(tag, Login{Client: Client{Name: "x"}}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
}

// BenchmarkLogin measures a login page: less than a millisecond.
func BenchmarkLogin(b *testing.B) {
	book, err := Open("", "")
	if err != nil {
		b.Fatal(err)
	}
	page := Login{Client: Client{Name: "Photo Album", Host: "photos.example.com", LogoURI: "https://photos.example.com/logo.png"}, Form: Form{Action: "/login", Continue: strings.Repeat("x", 1000), Destination: "https://photos.example.com/callback"}}
	if _, err = book.Render("en", page); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err = book.Render(book.Language("", "de-AT,de;q=0.9,en;q=0.8"), page); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen measures what the pages add to the start of a server.
func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		if _, err := Open("", ""); err != nil {
			b.Fatal(err)
		}
	}
}

func TestDevices(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0":                                                                  "<bdi>Firefox</bdi> on <bdi>Linux</bdi>",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1": "<bdi>Safari</bdi> on <bdi>iPhone</bdi>",
		"curl/8.5.0": "<bdi>curl/8.5.0</bdi>",
		"<b>(x":      "<bdi>&lt;b&gt;(x</bdi>",
		"":           "Unknown device",
	} {
		text := string(render(t, open(t, ""), "en", Account{Sessions: []AccountSession{{Device: agent}}}).HTML)
		if !strings.Contains(text, ">"+want+"<") {
			t.Errorf("%s is not shown as %s", agent, want)
		}
	}
}
