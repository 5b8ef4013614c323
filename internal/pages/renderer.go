package pages

import (
	"bytes"
	"fmt"
	"html/template"
	"sync"

	"golang.org/x/text/language"
)

// Renderer renders every page in every language.
type Renderer struct {
	texts     map[string]Texts // by language
	matcher   language.Matcher
	tags      []string // in the order of the matcher
	assets    Assets
	templates map[string]func() (templates, error) // by language; parsed at the first use
}

// templates are those of one language, by the name of their page.
type templates map[string]*template.Template

// layoutData is the input of layout.html.
type layoutData struct {
	Lang string // BCP 47
	Dir  string // "ltr" or "rtl"
	Page Page   // the input of the page's own file
}

// Open reads the built-in pages and the theme: a folder with any of templates/, languages/ and
// assets/; "": none. base is the path of the issuer, "" of most, below which the assets are served.
// The errors name the file, and the line if there is one.
func Open(theme, base string) (*Renderer, error) {
	files, err := newOverlay(theme)
	if err != nil {
		return nil, err
	}
	texts, err := readTexts(files)
	if err != nil {
		return nil, err
	}
	assets, err := readAssets(files, base)
	if err != nil {
		return nil, err
	}
	b := &Renderer{texts: texts, assets: assets, templates: map[string]func() (templates, error){}}
	b.tags, b.matcher = newMatcher(texts)
	for tag := range texts {
		b.templates[tag] = sync.OnceValues(func() (templates, error) { return b.parseTemplates(files, tag) })
	}
	if theme != "" {
		return b, b.check(files)
	}
	return b, nil
}

// parseTemplates parses the templates for one language.
func (b *Renderer) parseTemplates(files overlay, tag string) (templates, error) {
	common := template.New("").Option("missingkey=error").Funcs(b.functions(tag))
	for _, name := range []string{"layout", "parts"} {
		if err := files.parse(common, name); err != nil {
			return nil, err
		}
	}
	parsed := templates{}
	for _, name := range pageNames() {
		own, err := common.Clone()
		if err != nil {
			return nil, err
		}
		if err = files.parse(own, name); err != nil {
			return nil, err
		}
		for _, wanted := range []string{"title", "content"} {
			if own.Lookup(wanted) == nil {
				return nil, fmt.Errorf(`%s: it does not define "%s": add {{define "%s"}} … {{end}}`, files[templatePath(name)].from, wanted, wanted)
			}
		}
		parsed[name] = own.Lookup(files[templatePath("layout")].from)
	}
	return parsed, nil
}

// Render renders a page in a language that [Renderer.Language] returned.
func (b *Renderer) Render(tag string, page Page) (Document, error) {
	open, known := b.templates[tag]
	if !known {
		return Document{}, fmt.Errorf("render %s: there is no language %q", page.template(), tag)
	}
	parsed, err := open()
	if err != nil {
		return Document{}, err
	}
	var html bytes.Buffer
	if err = parsed[page.template()].Execute(&html, layoutData{Lang: tag, Dir: direction(tag), Page: page}); err != nil {
		return Document{}, err
	}
	return Document{HTML: html.Bytes(), Language: tag, Policy: page.policy()}, nil
}

// Asset returns the file that is served as BASE/assets/NAME.
func (b *Renderer) Asset(name string) (Asset, bool) {
	asset, found := b.assets.served[name]
	return asset, found
}

// Assets are the files that the pages load.
func (b *Renderer) Assets() Assets { return b.assets }
