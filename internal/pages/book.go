package pages

import (
	"bytes"
	"fmt"
	"html/template"
	"sync"

	"golang.org/x/text/language"
)

// Book has every page in every language.
type Book struct {
	texts    map[string]Texts // by language
	matcher  language.Matcher
	tags     []string // in the order of the matcher
	assets   Assets
	editions map[string]func() (edition, error) // by language; made when the first person asks for it
}

// edition has the templates of one language, by the name of their page.
type edition map[string]*template.Template

// sheetData is what layout.html is given.
type sheetData struct {
	Lang string // BCP 47
	Dir  string // "ltr" or "rtl"
	Page Page   // what the page's own file is given
}

// Open reads the pages that are built in, and lays the theme over them: a folder with any
// of templates/, languages/ and assets/; "": none. base is the path of the issuer, "" of
// most, below which the assets are served. The errors name the file, and the line where
// there is one.
func Open(theme, base string) (*Book, error) {
	files, err := lay(theme)
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
	b := &Book{texts: texts, assets: assets, editions: map[string]func() (edition, error){}}
	b.tags, b.matcher = newMatcher(texts)
	for tag := range texts {
		b.editions[tag] = sync.OnceValues(func() (edition, error) { return b.print(files, tag) })
	}
	if theme != "" {
		return b, b.check(files)
	}
	return b, nil
}

// print parses the templates for one language.
func (b *Book) print(files laid, tag string) (edition, error) {
	common := template.New("").Option("missingkey=error").Funcs(b.functions(tag))
	for _, name := range []string{"layout", "parts"} {
		if err := files.parse(common, name); err != nil {
			return nil, err
		}
	}
	printed := edition{}
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
		printed[name] = own.Lookup(files[templatePath("layout")].from)
	}
	return printed, nil
}

// Render renders a page in a language that [Book.Language] returned.
func (b *Book) Render(tag string, page Page) (Sheet, error) {
	open, known := b.editions[tag]
	if !known {
		return Sheet{}, fmt.Errorf("render %s: there is no language %q", page.template(), tag)
	}
	printed, err := open()
	if err != nil {
		return Sheet{}, err
	}
	var html bytes.Buffer
	if err = printed[page.template()].Execute(&html, sheetData{Lang: tag, Dir: direction(tag), Page: page}); err != nil {
		return Sheet{}, err
	}
	return Sheet{HTML: html.Bytes(), Language: tag, Policy: page.policy()}, nil
}

// Asset returns the file that is served as BASE/assets/NAME.
func (b *Book) Asset(name string) (Asset, bool) {
	asset, found := b.assets.served[name]
	return asset, found
}

// Assets are the files that the pages load.
func (b *Book) Assets() Assets { return b.assets }
