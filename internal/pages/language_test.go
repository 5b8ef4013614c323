package pages

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestLanguages(t *testing.T) {
	want := []string{"ar", "de", "en", "es", "fr", "ja"}
	texts := open(t, "").texts
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(texts))); diff != "" {
		t.Fatal(diff)
	}
	english := texts[reference].lines
	for tag, texts := range texts {
		if diff := cmp.Diff(slices.Sorted(maps.Keys(english)), slices.Sorted(maps.Keys(texts.lines))); diff != "" {
			t.Errorf("%s has other keys than English:\n%s", tag, diff)
		}
		for key, line := range texts.lines {
			if diff := cmp.Diff(placeholders(english[key]), placeholders(line)); diff != "" {
				t.Errorf("%s: %s has other placeholders than English:\n%s", tag, key, diff)
			}
			if strings.TrimSpace(line) != line || strings.ContainsAny(line, "\n<>") {
				t.Errorf("%s: %s has blanks around it, or what looks like HTML: %q", tag, key, line)
			}
		}
	}
}

// Only a few texts are the same in another language, and this list has them.
func TestNoTextIsLeftInEnglish(t *testing.T) {
	same := map[string][]string{"es": {"error.code"}}
	scripts := map[string]*unicode.RangeTable{"ar": unicode.Arabic}
	all := open(t, "").texts
	for tag, texts := range all {
		if tag == reference {
			continue
		}
		for key, line := range texts.lines {
			if key == "date.layout" {
				continue
			}
			if line == all[reference].lines[key] && !slices.Contains(same[tag], key) {
				t.Errorf("%s: %s is as it is in English: %q", tag, key, line)
			}
			if script, own := scripts[tag]; own && !strings.ContainsFunc(line, func(c rune) bool { return unicode.Is(script, c) }) {
				t.Errorf("%s: %s has no letter of its script: %q", tag, key, line)
			}
			if tag == "ja" && !strings.ContainsFunc(line, func(c rune) bool { return unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana) }) {
				t.Errorf("%s: %s has no letter of its script: %q", tag, key, line)
			}
		}
	}
}

func TestDates(t *testing.T) {
	at := time.Date(2026, 3, 14, 15, 26, 0, 0, time.FixedZone("", 3600))
	for tag, texts := range open(t, "").texts {
		got := at.UTC().Format(texts.lines["date.layout"])
		for _, part := range []string{"2026", "03", "14", "14:26", "UTC"} {
			if !strings.Contains(got, part) {
				t.Errorf("%s: %q has no %s", tag, got, part)
			}
		}
	}
}

// TestEveryTextIsShown compares the languages with the texts of the templates, in both directions.
func TestEveryTextIsShown(t *testing.T) {
	var used strings.Builder
	for _, name := range []string{"layout", "parts", "login", "consent", "accounts", "logout", "loggedout", "error", "account", "formpost"} {
		text, err := os.ReadFile("templates/" + name + ".html")
		if err != nil {
			t.Fatal(err)
		}
		used.Write(text)
	}
	computed := regexp.MustCompile(`^(scope|profile|fault|notice|login\.fault|error\.title|error\.text)\.|^date\.layout$|^sessions\.(device|unknown)$`)
	for key := range open(t, "").texts[reference].lines {
		if !computed.MatchString(key) && !strings.Contains(used.String(), `"`+key+`"`) {
			t.Errorf("no template shows %s", key)
		}
	}
	for _, name := range profileNames() {
		if _, given := open(t, "").texts[reference].lines["profile."+name]; !given {
			t.Errorf("the claim %s has no label", name)
		}
	}
}

func TestLanguageIsChosen(t *testing.T) {
	b := open(t, "")
	for _, c := range []struct{ name, locales, header, want string }{
		{"nothing is wished", "", "", "en"},
		{"ui_locales", "fr", "", "fr"},
		{"ui_locales before the header", "fr", "de", "fr"},
		{"ui_locales in their order", "nl ja de", "", "ja"},
		{"a region", "fr-CA", "", "fr"},
		{"a script", "ar-Arab-EG", "", "ar"},
		{"ui_locales that are not there leave it to the header", "nl sv", "de-AT,de;q=0.9", "de"},
		{"ui_locales that are none leave it to the header", "§$% x", "es", "es"},
		{"the header", "", "es-419,es;q=0.9,en;q=0.8", "es"},
		{"the header by quality", "", "en;q=0.1, ja", "ja"},
		{"a header of a language that is not there", "", "nl", "en"},
		{"a header that is none", "", ";;;=,q", "en"},
		{"a star", "", "*", "en"},
		{"long junk", strings.Repeat("a-", 60000), strings.Repeat("x,", 60000), "en"},
	} {
		if got := b.Language(c.locales, c.header); got != c.want {
			t.Errorf("%s: it is %s, want %s", c.name, got, c.want)
		}
	}
}

func TestDirection(t *testing.T) {
	for tag, want := range map[string]string{"en": "ltr", "ar": "rtl", "he": "rtl", "fa": "rtl", "ja": "ltr", "az-Arab": "rtl"} {
		if got := direction(tag); got != want {
			t.Errorf("%s: %s, want %s", tag, got, want)
		}
	}
}
