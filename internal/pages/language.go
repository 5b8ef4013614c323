package pages

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// maxLanguages bounds the number of language tags that are read.
const maxLanguages = 1024

// Language chooses the language for a person: by ui_locales (OpenID Connect Core 1.0 §3.1.2.1) in
// the order of the app, then by the header Accept-Language.
func (b *Renderer) Language(uiLocales, acceptLanguage string) string {
	for _, wish := range strings.Fields(uiLocales[:min(len(uiLocales), maxLanguages)]) {
		tag, err := language.Parse(wish)
		if err != nil {
			continue
		}
		if _, index, confidence := b.matcher.Match(tag); confidence >= language.High {
			return b.tags[index]
		}
	}
	wishes, _, err := language.ParseAcceptLanguage(acceptLanguage[:min(len(acceptLanguage), maxLanguages)])
	if err != nil {
		return reference
	}
	_, index, _ := b.matcher.Match(wishes...)
	return b.tags[index]
}

// newMatcher puts the reference first, so that it is the language if no other fits.
func newMatcher(texts map[string]Texts) ([]string, language.Matcher) {
	names := []string{reference}
	for name := range texts {
		if name != reference {
			names = append(names, name)
		}
	}
	slices.Sort(names[1:])
	tags := make([]language.Tag, len(names))
	for i, name := range names {
		tags[i] = language.MustParse(name) // fitLanguage has parsed it
	}
	return names, language.NewMatcher(tags)
}

// direction is the direction of writing of a language.
func direction(tag string) string {
	script, _ := language.MustParse(tag).Script()
	if slices.Contains([]string{"Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg"}, script.String()) {
		return "rtl"
	}
	return "ltr"
}

func fitLanguage(from string) error {
	name, isYAML := strings.CutSuffix(path.Base(from), ".yaml")
	if tag, err := language.Parse(name); err != nil || !isYAML || tag.String() != name {
		return fmt.Errorf("%s: a language has a file such as nl.yaml or pt-BR.yaml, named by its BCP 47 tag: rename or remove it", from)
	}
	return nil
}
