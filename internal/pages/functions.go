package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"slices"
	"time"
	"unicode"
)

// submitScript is the only script. It is fixed, so its hash is fixed too.
const submitScript = "document.forms[0].submit()"

// scriptSource is how Content-Security-Policy allows it.
func scriptSource() string {
	sum := sha256.Sum256([]byte(submitScript))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// pageNames are the templates that are pages.
func pageNames() []string {
	var names []string
	for _, page := range samples() {
		if !slices.Contains(names, page.template()) {
			names = append(names, page.template())
		}
	}
	return names
}

// functions are those that templates may call in addition to those of Go.
func (b *Renderer) functions(tag string) template.FuncMap {
	texts := b.texts[tag]
	return template.FuncMap{
		"t":      texts.HTML,
		"plain":  texts.plain,
		"scope":  texts.scope,
		"device": texts.device,
		"date":   func(at time.Time) string { return at.UTC().Format(texts.lines["date.layout"]) },
		"iso":    func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
		"asset":  b.assets.URL,
		"styles": b.assets.Styles,
		"script": func() template.JS { return submitScript },
		// initial replaces the logo of an app that has none.
		"initial": func(name string) string {
			for _, c := range name {
				if unicode.IsLetter(c) || unicode.IsDigit(c) {
					return string(unicode.ToUpper(c))
				}
			}
			return "•"
		},
	}
}
