package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

// block is a fenced block of a page.
type block struct {
	page     string
	line     int    // of its first line in the page, from 1
	chapter  string // the heading of the second level above it
	section  string // the heading above it, of any level
	language string
	text     string
}

// page is a page as GitHub renders it, as far as that matters here.
type page struct {
	name     string // from the root of the repository
	text     string // without the fenced blocks
	headings []string
	chapter  string // while the page is read
	blocks   []block
}

// readPage reads a page.
func readPage(t *testing.T, name string) page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	p := page{name: name}
	var plain strings.Builder
	var open *block
	n, indent := 0, ""
	for line := range strings.Lines(string(text)) {
		n++
		fence, fenced := strings.CutPrefix(strings.TrimSpace(line), "```") // in a list it is indented
		switch {
		case fenced && open == nil:
			indent = line[:strings.Index(line, "`")]
			open = &block{page: name, line: n + 1, chapter: p.chapter, language: fence}
			if len(p.headings) > 0 {
				open.section = p.headings[len(p.headings)-1]
			}
		case fenced:
			p.blocks = append(p.blocks, *open)
			open = nil
		case open != nil:
			open.text += strings.TrimPrefix(line, indent)
		default:
			if strings.HasPrefix(line, "#") {
				p.headings = append(p.headings, strings.TrimSpace(strings.TrimLeft(line, "#")))
				if strings.HasPrefix(line, "## ") {
					p.chapter = p.headings[len(p.headings)-1]
				}
			}
			plain.WriteString(line)
		}
	}
	if open != nil {
		t.Errorf("%s:%d: the block does not end", name, open.line)
	}
	p.text = plain.String()
	return p
}

// pages returns every page that is written for readers.
func pages(t *testing.T) []page {
	t.Helper()
	names, err := Pages(root)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(names, "README.md") || !slices.Contains(names, "docs/README.md") {
		t.Fatalf("only %v found", names)
	}
	all := make([]page, 0, len(names))
	for _, name := range names {
		all = append(all, readPage(t, name))
	}
	return all
}

// rows returns the cells of the table rows of the page, without their backquotes, for the tables
// whose head begins with the given cell.
func (p page) rows(head string) [][]string {
	var rows [][]string
	inside := false
	for line := range strings.Lines(p.text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			inside = false
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i, c := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(c), "`")
		}
		switch {
		case !inside && cells[0] == head:
			inside = true
		case inside && !strings.HasPrefix(cells[0], "---"):
			rows = append(rows, cells)
		}
	}
	return rows
}

var notInAnchor = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)

// anchors returns the names by which links refer to the headings of the page.
func (p page) anchors() []string {
	names := make([]string, 0, len(p.headings))
	for _, h := range p.headings {
		names = append(names, strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(h), ""), " ", "-"))
	}
	return names
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinks: the targets of links within the repository exist.
func TestLinks(t *testing.T) {
	all := pages(t)
	for _, p := range all {
		for _, found := range link.FindAllStringSubmatch(p.text, -1) {
			target := found[1]
			if strings.Contains(target, "://") {
				continue
			}
			file, anchor, _ := strings.Cut(target, "#")
			name := p.name
			if file != "" {
				name = filepath.ToSlash(filepath.Join(filepath.Dir(p.name), file))
			}
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("%s links to %s, which is not there", p.name, target)
				continue
			}
			if anchor != "" && !slices.ContainsFunc(all, func(q page) bool { return q.name == name && slices.Contains(q.anchors(), anchor) }) {
				t.Errorf("%s links to %s, and there is no such heading", p.name, target)
			}
		}
	}
}

// TestGenerated: each generated part has the content of its source.
func TestGenerated(t *testing.T) {
	var sources []string
	for _, p := range pages(t) {
		text, err := os.ReadFile(filepath.Join(root, p.name))
		if err != nil {
			t.Fatal(err)
		}
		made, err := Generate(root, string(text))
		if err != nil {
			t.Fatalf("%s: %v", p.name, err)
		}
		if made != string(text) {
			t.Errorf("%s is out of date: run make generate", p.name)
		}
		for _, part := range strings.Split(made, generatedBegin)[1:] {
			source, _, _ := strings.Cut(part, " -->")
			sources = append(sources, p.name+" "+source)
		}
	}
	slices.Sort(sources)
	want := []string{
		"README.md " + measured, "docs/decisions/README.md " + decisions, "docs/settings.md " + settings, "docs/verify.md examples/resourceserver/main.go",
		"docs/verify.md test/interop/snippets/AtJwt.java",
		"docs/verify.md test/interop/snippets/Verify.java", "docs/verify.md test/interop/snippets/go/verify.go",
		"docs/verify.md test/interop/snippets/verify.mjs", "docs/verify.md test/interop/snippets/verify.py",
	}
	if diff := cmp.Diff(want, sources); diff != "" {
		t.Errorf("the generated parts (-want +got):\n%s", diff)
	}
}
