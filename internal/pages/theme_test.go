package pages

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// theme writes a folder with the given files.
func theme(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func builtInText(t *testing.T, name string) string {
	t.Helper()
	text, err := builtIn.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestATheme(t *testing.T) {
	dutch := builtInText(t, "languages/en.yaml")
	dutch = strings.Replace(dutch, `login.submit: "Sign in"`, `login.submit: "Inloggen"`, 1)
	b := open(t, theme(t, map[string]string{
		"assets/theme.css":      "main { background: url(back.png) }\n.x { background: url('data:image/png;base64,AA') }",
		"assets/back.png":       "png",
		"languages/de.yaml":     `login.submit: "Los"`,
		"languages/nl.yaml":     dutch,
		"templates/logout.html": builtInText(t, "templates/logout.html") + "<!-- ours -->",
		"templates/layout.html": strings.Replace(builtInText(t, "templates/layout.html"), "<main>", `<header><img src="{{asset "back.png"}}" alt="Our company"></header><main>`, 1),
		".git/config":           "left by an editor",
		"templates/.login.swp":  "left by an editor",
		"languages/..data/x":    "left by a mount of Kubernetes",
	}))
	for tag, want := range map[string]string{"de": ">Los<", "nl": ">Inloggen<", "fr": ">Se connecter<"} {
		sheet, err := b.Render(tag, Login{})
		if err != nil {
			t.Fatal(err)
		}
		html := string(sheet.HTML)
		if !strings.Contains(html, want) || !strings.Contains(html, "Our company") || !strings.Contains(html, "/assets/theme.") {
			t.Errorf("%s: it does not have the theme: %s", tag, html)
		}
	}
	if got := b.Language("", "nl"); got != "nl" {
		t.Errorf("a language of the theme is not chosen: %s", got)
	}
	sheet, err := b.assets.URL("theme.css")
	if err != nil {
		t.Fatal(err)
	}
	style, _ := b.Asset(filepath.Base(sheet))
	back, _ := b.assets.URL("back.png")
	if !strings.Contains(string(style.Body), `url("`+filepath.Base(back)+`")`) || !strings.Contains(string(style.Body), "base64,AA") {
		t.Errorf("the style is %s", style.Body)
	}
}

// TestAThemeThatDoesNotFit breaks each rule once. The error names the file and the line, and says
// what to do.
func TestAThemeThatDoesNotFit(t *testing.T) {
	login := builtInText(t, "templates/login.html")
	replace := func(old, with string) map[string]string {
		if !strings.Contains(login, old) {
			t.Fatalf("login.html has no %s", old)
		}
		return map[string]string{"templates/login.html": strings.Replace(login, old, with, 1)}
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"a folder that is none":           {map[string]string{"styles/a.css": ""}, []string{"styles", "templates, languages and assets", "remove it"}},
		"a file at the top":               {map[string]string{"login.html": ""}, []string{"login.html", "move it"}},
		"a page that is none":             {map[string]string{"templates/logn.html": ""}, []string{"templates/logn.html", "no page of this version", "login.html", "rename or remove"}},
		"a text file among the templates": {map[string]string{"templates/README.md": ""}, []string{"templates/README.md", "no page"}},
		"the page with the script":        {map[string]string{"templates/formpost.html": ""}, []string{"templates/formpost.html", "cannot change it"}},
		"a template that is none":         {replace("{{template \"links\" .Client}}", "\n{{if}}"), []string{"templates/login.html:16:", "missing value for if"}},
		"a block without an end":          {map[string]string{"templates/login.html": "{{define \"title\"}}\n\n{{if .Client.Name}}"}, []string{"templates/login.html:3:", "unexpected EOF"}},
		"a field of an older version":     {replace("{{.Form.Action}}", "{{.Action}}"), []string{"templates/login.html:10:", "can't evaluate field Action", "does not fit this version"}},
		"a field of an older version in a branch that is seldom met": {
			replace(`{{if .Again}}<p class="lead">{{t "login.again"}}</p>{{end}}`, `{{if .Again}}{{.User}}{{end}}`), []string{"templates/login.html:9:", "can't evaluate field User"},
		},
		"a text that is not there":      {replace(`"login.username"`, `"login.user"`), []string{"templates/login.html:21:", `no text "login.user"`}},
		"a text for a fault is missing": {replace(`login.fault.%s`, `login.bad.%s`), []string{"templates/login.html:8:", `no text "login.bad.wrong"`}},
		"a function that is not there":  {replace(`{{t "login.username"}}`, `{{text "login.username"}}`), []string{"templates/login.html:21:", `function "text" not defined`}},
		"an asset that is not there":    {replace(`<div class="card">`, `<img src="{{asset "log.svg"}}">`), []string{"templates/login.html:4:", `no asset "log.svg"`}},
		"a template that is not there":  {replace(`{{template "links" .Client}}`, `{{template "footer" .Client}}`), []string{"templates/login.html:15:", `"footer"`}},
		"no content":                    {map[string]string{"templates/login.html": `{{define "title"}}x{{end}}`}, []string{"templates/login.html", `does not define "content"`, `add {{define "content"}}`}},
		"no title":                      {map[string]string{"templates/login.html": `{{define "content"}}x{{end}}`}, []string{"templates/login.html", `does not define "title"`}},
		"no field of the request":       {replace(`{{template "continue" .Form}}`, ""), []string{"templates/login.html", `<input name="continue">`, "add it"}},
		"another name for the password": {replace(`name="password"`, `name="pwd"`), []string{"templates/login.html", `<input id="password"`, "add it"}},
		"no button":                     {replace(`id="login"`, ""), []string{"templates/login.html", `<button id="login">`}},
		"a form that leads elsewhere":   {replace(`action="{{.Form.Action}}"`, `action="/x"`), []string{"templates/login.html", `<form method="post" action="/login">`}},
		"a script":                      {replace(`{{template "links" .Client}}`, "<script>alert(1)</script>"), []string{"templates/login.html:15:", "<script>", "Content-Security-Policy", "remove it"}},
		"a style in the page":           {replace(`{{template "links" .Client}}`, "<style>p{}</style>"), []string{"templates/login.html:15:", "<style>", "theme.css"}},
		"a style in an attribute":       {replace(`<div class="card">`, `<div class="card" style="color:red">`), []string{"templates/login.html:4:", "attribute style", "theme.css"}},
		"a handler in an attribute":     {replace(`<div class="card">`, `<div class="card" onclick="x()">`), []string{"templates/login.html:4:", "attribute onclick"}},
		"a picture of another server":   {replace(`<div class="card">`, `<div class="card"><img src="https://cdn.example.com/a.png">`), []string{"templates/login.html:4:", "https://cdn.example.com/a.png", "folder assets"}},
		"a picture without a scheme":    {replace(`<div class="card">`, `<div class="card"><img src="//cdn.example.com/a.png">`), []string{"templates/login.html:4:", "//cdn.example.com/a.png", "folder assets"}},
		"a picture for large screens":   {replace(`<div class="card">`, `<div class="card"><img src="data:," srcset="data:, 1x, https://cdn.example.com/a.png 2x">`), []string{"templates/login.html:4:", "https://cdn.example.com/a.png", "folder assets"}},
		"a style of another server":     {replace(`<div class="card">`, `<div class="card"><link rel="stylesheet" href="HTTPS://cdn.example.com/a.css">`), []string{"templates/login.html:4:", "HTTPS://cdn.example.com/a.css", "folder assets"}},
		"a script in the layout": {
			map[string]string{"templates/layout.html": strings.Replace(builtInText(t, "templates/layout.html"), "</body>", "<script src=x></script></body>", 1)}, []string{"templates/layout.html:18:", "<script>"},
		},

		"a language file that is none":           {map[string]string{"languages/de.yaml": "a\n  b: ]"}, []string{"languages/de.yaml", "line"}},
		"a language file of a list":              {map[string]string{"languages/de.yaml": "- a"}, []string{"languages/de.yaml:1", "login.submit"}},
		"a language file without anything":       {map[string]string{"languages/de.yaml": ""}, []string{"languages/de.yaml"}},
		"a text that is none":                    {map[string]string{"languages/de.yaml": "login.title: Los\nlogin.sumbit: Los"}, []string{"languages/de.yaml:2", "login.sumbit", "en.yaml"}},
		"a text with a placeholder that is none": {map[string]string{"languages/de.yaml": "\nlogin.title.app: Bei {client}"}, []string{"languages/de.yaml:2", "{client}", "must have {app}"}},
		"a text without its placeholder":         {map[string]string{"languages/de.yaml": "login.title.app: Los"}, []string{"languages/de.yaml:1", "(none)", "{app}"}},
		"a text that is empty":                   {map[string]string{"languages/de.yaml": "login.title: ''"}, []string{"languages/de.yaml:1", "has no text"}},
		"a text twice":                           {map[string]string{"languages/de.yaml": "login.title: a\nlogin.title: b"}, []string{"languages/de.yaml:2", "twice"}},
		"a language that is not whole":           {map[string]string{"languages/nl.yaml": "login.title: Inloggen"}, []string{"languages/nl.yaml", "is missing"}},
		"a language that is none":                {map[string]string{"languages/dutch_nl.yaml": "a: b"}, []string{"languages/dutch_nl.yaml", "BCP 47"}},
		"a language in another format":           {map[string]string{"languages/nl.json": "{}"}, []string{"languages/nl.json", "nl.yaml"}},

		"an asset of a kind that is none": {map[string]string{"assets/app.js": ""}, []string{"assets/app.js", ".woff2", "rename or remove"}},
		"an asset with a blank":           {map[string]string{"assets/my logo.svg": ""}, []string{"assets/my logo.svg", "letters, digits"}},
		"a style that loads from elsewhere": {
			map[string]string{"assets/theme.css": "a{}\n@font-face { src: url(https://fonts.example.com/a.woff2) }"}, []string{"assets/theme.css:2", "https://fonts.example.com/a.woff2", "folder assets"},
		},
		"a style that imports": {map[string]string{"assets/theme.css": `@import "https://example.com/a.css";`}, []string{"assets/theme.css:1", "@import"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := theme(t, c.files)
			_, err := Open(dir, "")
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, want := range append(c.want, dir) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error has no %q: %v", want, err)
				}
			}
		})
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none"), ""); err == nil || !strings.Contains(err.Error(), "theme-dir") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// The exported theme changes nothing, and is never written over another.
func TestExport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "theme")
	written, err := Export(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(written) < 15 {
		t.Errorf("only %v", written)
	}
	exported, own := open(t, dir), open(t, "")
	for _, page := range samples() {
		if got, want := render(t, exported, "fr", page), render(t, own, "fr", page); string(got.HTML) != string(want.HTML) {
			t.Errorf("%T differs", page)
		}
	}
	if _, err = Export(dir); err == nil || !strings.Contains(err.Error(), "name a new folder") {
		t.Errorf("it was written again: %v", err)
	}
}
