package test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// onePage is the largest number of lines of ARCHITECTURE.md.
const onePage = 80

// TestTheArchitecturePage: ARCHITECTURE.md has the arrows of the table above, and
// stays one page.
func TestTheArchitecturePage(t *testing.T) {
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines > onePage {
		t.Errorf("ARCHITECTURE.md has %d lines, and at most %d are allowed: move something to docs/decisions/", lines, onePage)
	}
	if diff := cmp.Diff(sorted(arrows), sorted(arrowsOf(string(text)))); diff != "" {
		t.Errorf("the arrows of test/arrows_test.go and of ARCHITECTURE.md differ (-test +page):\n%s", diff)
	}
}

// arrowsOf reads the table of rooms: the rooms, what they own, and what they import.
func arrowsOf(page string) map[string][]string {
	read := map[string][]string{}
	atRoot := map[string]bool{}
	rooms := regexp.MustCompile("`([a-z0-9/]+)`")
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 {
			continue
		}
		for _, name := range rooms.FindAllStringSubmatch(cells[0], -1) {
			read[name[1]] = strings.Fields(cells[2])
			atRoot[name[1]] = strings.Contains(cells[0], "(root)") || strings.HasPrefix(name[1], "cmd/")
		}
	}
	path := func(name string) string {
		if atRoot[name] {
			return name
		}
		return "internal/" + name
	}
	found := map[string][]string{}
	for room, imports := range read {
		switch text := strings.Join(imports, " "); text {
		case "every room":
			found[path(room)] = []string{all}
		case "nothing":
			found[path(room)] = nil
		default:
			for _, i := range imports {
				found[path(room)] = append(found[path(room)], path(i))
			}
		}
	}
	return found
}

// sorted returns the arrows with sorted lists, and none for an empty list.
func sorted(arrows map[string][]string) map[string][]string {
	ordered := map[string][]string{}
	for room, imports := range arrows {
		ordered[room] = append([]string{}, imports...)
		slices.Sort(ordered[room])
	}
	return ordered
}
