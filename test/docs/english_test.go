package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// clumsy finds phrases that make a reader stop, with what to write instead. A list of words is not
// a style: CONTRIBUTING.md describes the aim.
var clumsy = []struct {
	phrase  *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`(?i)\b(whoever|whomever|whosoever|somebody|nobody|anybody|everybody|(those|one|ones|he) who)\b`), "name the subject: the client, the caller, the server, the operator"},
	{regexp.MustCompile(`(?m)(^|[.!:;] |\| |\*\*)Who [a-z]+s? [^?\n]*[.:;|]`), "name the subject: the client, the caller, the server, the operator"},
	{regexp.MustCompile(`(?i)\bin (the )?place of\b`), "instead of"},
	{regexp.MustCompile(`(?i)\bworth waking\b`), "page someone when"},
	{regexp.MustCompile(`(?i)\bit (alone|itself) says\b`), "say it plainly"},
	{regexp.MustCompile(`(?i)\b(thereof|therein|whereof|wherein|heretofore|hereby)\b`), "a shorter sentence"},
}

// clumsyIn returns the phrases of a text that should be written in another way.
func clumsyIn(text string) []string {
	text = strings.Join(strings.Fields(text), " ")
	var found []string
	for _, c := range clumsy {
		for _, at := range c.phrase.FindAllStringIndex(text, -1) {
			around := text[max(0, at[0]-40):min(len(text), at[1]+40)]
			found = append(found, "…"+strings.ToValidUTF8(around, "")+"…: write instead: "+c.instead)
		}
	}
	return found
}

// TestPlainEnglish: documents, comments of the files for operators, and the help of the commands
// have no phrase that reads like a translation.
func TestPlainEnglish(t *testing.T) {
	for _, p := range pages(t) {
		for _, fault := range clumsyIn(p.text) {
			t.Errorf("%s: %s", p.name, fault)
		}
	}
	for _, pattern := range []string{
		"bench/*.md", "Makefile", "Dockerfile", "docker-compose.yml", ".golangci.yml", "api/openapi.yaml", "deploy/*",
	} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, fault := range clumsyIn(string(text)) {
				t.Errorf("%s: %s", file, fault)
			}
		}
	}
}

// TestClumsy shows that the rules find the phrases.
func TestClumsy(t *testing.T) {
	for text, want := range map[string]int{
		"Whoever has the key can sign.":                       1,
		"Back it up. Who introspects refuses them now.":       1,
		"Nobody is told, in the place\nof which the log says": 2,
		"Who may use it? The client, who has the key.":        0,
		"The update is done in place.":                        0,
	} {
		if got := clumsyIn(text); len(got) != want {
			t.Errorf("%q has %d faults, want %d: %v", text, len(got), want, got)
		}
	}
}

func TestClumsyInGo(t *testing.T) {
	for _, c := range []struct {
		name, source string
		want         int
	}{
		{"a comment", "package a\n\n// f is for\n// whoever asks.\nfunc f() {}\n", 1},
		{"a comment behind code", "package a\n\nvar a = 1 // nobody counts\n", 1},
		{"a text", "package a\n\nvar a = \"nobody is told\"\n", 1},
		{"the name of a test", "package a\n\nfunc TestNobodyIsTold() {}\n", 1},
		{"the words of an RFC", "package a\n\n// RFC 0: \"whoever asks\".\nvar a = 1\n", 0},
		{"a value", "package a\n\nvar a = \"nobody\"\n", 0},
		{"the name of a test that names its subject", "package a\n\nfunc TestTheClientIsTold() {}\n", 0},
	} {
		got, err := clumsyInGo("a.go", c.source)
		if err != nil || len(got) != c.want {
			t.Errorf("%s has %d faults, want %d: %v, %v", c.name, len(got), c.want, got, err)
		}
	}
}

const longestLine = 120 // characters

// TestLines: a line of prose fits a screen.
func TestLines(t *testing.T) {
	for _, p := range pages(t) {
		for line := range strings.Lines(p.text) {
			line = strings.TrimSuffix(line, "\n")
			if n := utf8.RuneCountInString(line); n > longestLine && !strings.HasPrefix(strings.TrimSpace(line), "|") { // a row of a table cannot be broken
				t.Errorf("%s: a line has %d characters, and at most %d are allowed: %s", p.name, n, longestLine, line)
			}
		}
	}
}
